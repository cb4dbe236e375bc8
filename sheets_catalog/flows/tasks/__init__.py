"""What staging and delivery share: the tasks tab, its statuses, the choice of tasks, their files, and copying them."""
