"""Pure: fingerprints, baseline, three-way comparison, plan."""
