"""The sample catalogue: some thirty products of a small shop, with every value that spreadsheets like to spoil."""

from __future__ import annotations

from typing import Final

from sheets_catalog.sandbox.catalogues.draft import (
    Catalogue,
    DraftDefinition,
    DraftImage,
    DraftLocation,
    DraftMetafield,
    DraftProduct,
    DraftVariant,
)

WAREHOUSE: Final = "Warehouse Berlin"
STORE: Final = "Store Wien"
POPUP: Final = "Pop-up München"

LOCATIONS: Final = (
    DraftLocation(WAREHOUSE, "Berlin", "Germany", "DE", "Lagerstraße 7", "10115"),
    DraftLocation(STORE, "Wien", "Austria", "AT", "Gumpendorfer Straße 12", "1060"),
    DraftLocation(POPUP, "München", "Germany", "DE", "Marienplatz 1", "80331"),
    DraftLocation("Closed depot", "Graz", "Austria", "AT", "Annenstraße 3", "8020", active=False),
)

DEFINITIONS: Final = (
    DraftDefinition("PRODUCT", "custom", "material", "Material", "single_line_text_field"),
    DraftDefinition("PRODUCT", "custom", "care", "Care instructions", "multi_line_text_field"),
    DraftDefinition("PRODUCT", "custom", "erp_id", "ERP number", "id", unique=True),
    DraftDefinition("PRODUCTVARIANT", "custom", "shelf", "Shelf", "single_line_text_field"),
)

_IMAGE: Final = "https://images.example.com/sample"


def _image(name: str, alt: str = "") -> DraftImage:
    return DraftImage(f"{_IMAGE}/{name}.jpg", alt)


def _stock(warehouse: int, store: int | None = None, popup: int | None = None) -> dict[str, int]:
    places = ((WAREHOUSE, warehouse), (STORE, store), (POPUP, popup))
    return {name: quantity for name, quantity in places if quantity is not None}


def _one(sku: str | None, price: str, warehouse: int = 0, store: int | None = None, **more: object) -> DraftVariant:
    return DraftVariant(sku=sku, price=price, stock=_stock(warehouse, store), **more)  # type: ignore[arg-type]


def _grid(
    stem: str, sizes: tuple[str, ...], colors: tuple[str, ...], price: str, start: int = 1
) -> tuple[DraftVariant, ...]:
    """A variant for every size and colour, each with its own stock."""
    return tuple(
        DraftVariant(
            selected=(size, color),
            sku=f"{stem}-{size}-{color[:2].upper()}",
            price=price,
            stock=_stock(start + 3 * index, index % 4),
            weight=0.2,
        )
        for index, (size, color) in enumerate((size, color) for size in sizes for color in colors)
    )


_CLOTHES: Final = (
    DraftProduct(
        title="Linen Shirt",
        body="<p>A <strong>light</strong> shirt for summer &amp; travel.</p><ul><li>100&nbsp;% linen</li></ul>",
        vendor="Atelier Nord",
        product_type="Shirts",
        tags=("linen", "men", "summer"),
        options=("Size", "Color"),
        variants=_grid("LS", ("S", "M", "L"), ("White", "Blue"), "59.90"),
        images=(_image("linen-shirt", "Linen shirt, white"), _image("linen-shirt-2")),
        category="aa-1-13",
        seo_title="Linen Shirt | Atelier Nord",
        seo_description="The shirt for hot days.",
        metafields=(
            DraftMetafield("custom", "material", "single_line_text_field", "Linen"),
            DraftMetafield("custom", "care", "multi_line_text_field", "30 °C\nDo not tumble dry"),
            DraftMetafield("custom", "erp_id", "id", "ERP-000123456789012345"),
        ),
        collections=("Summer",),
    ),
    DraftProduct(
        title="Merino Jumper",
        body='<p style="color:#333">Warm, soft, <em>fair</em>.</p>',
        vendor="Atelier Nord",
        product_type="Knitwear",
        tags=("merino", "winter", "women"),
        options=("Size", "Color"),
        variants=_grid("MJ", ("XS", "S", "M", "L"), ("Rust", "Navy"), "129.00"),
        images=(_image("merino-jumper"),),
        collections=("Winter",),
        metafields=(DraftMetafield("custom", "material", "single_line_text_field", "Merino wool"),),
    ),
    DraftProduct(
        title="T-Shirt “Hello, World”",
        body="<p>Print: 5 &lt; 6 &amp;&amp; 7 &gt; 6</p>",
        vendor="Print & Co.",
        product_type="T-Shirts",
        tags=("print", "unisex"),
        category="aa-1-13-8",
        options=("Size",),
        variants=tuple(
            DraftVariant(selected=(size,), sku=f"HW-{size}", price="24.00", stock=_stock(12, 3)) for size in "SML"
        ),
        collections=("Summer",),
    ),
    DraftProduct(
        title="Rain Coat",
        vendor="Riverline",
        product_type="Coats",
        tags=("outdoor",),
        status="DRAFT",
        published=False,
        options=("Size", "Color", "Lining"),
        variants=(
            DraftVariant(selected=("M", "Yellow", "Fleece"), sku="RC-1", price="149.00", stock=_stock(4)),
            DraftVariant(selected=("M", "Yellow", "None"), sku="RC-2", price="129.00", stock=_stock(0)),
            DraftVariant(selected=("L", "Green", "Fleece"), sku="RC-3", price="149.00", stock=_stock(2, 1)),
        ),
    ),
    DraftProduct(
        title="Old Season Dress",
        vendor="Casa Azul",
        product_type="Dresses",
        status="ARCHIVED",
        published=False,
        variants=(_one("OSD-1", "39.00", 0, compare_at_price="89.00"),),
    ),
)

_SPREADSHEET_TRAPS: Final = (
    DraftProduct(
        title="Numbers that are text",
        body="<p>Leading zeros, exponents, dates and long ids.</p>",
        vendor="Trap & Sons",
        product_type="Traps",
        tags=("00123", "1E5", "3-4"),
        options=("Code",),
        variants=(
            DraftVariant(selected=("00123",), sku="00123", barcode="0012345678905", price="1.00", stock=_stock(1)),
            DraftVariant(selected=("1E5",), sku="1E5", barcode="1E5", price="10.00", stock=_stock(2)),
            DraftVariant(selected=("3-4",), sku="3-4", barcode="3/4", price="100.00", stock=_stock(3)),
            DraftVariant(
                selected=("18 digits",),
                sku="123456789012345678",
                barcode="987654321098765432",
                price="1000.00",
                stock=_stock(4),
            ),
            DraftVariant(selected=("TRUE",), sku="TRUE", barcode="FALSE", price="0.10", stock=_stock(5)),
            DraftVariant(selected=("1.5",), sku="1,5", barcode="1.50", price="0.01", stock=_stock(6)),
        ),
    ),
    DraftProduct(
        title="=SUM(A1)",
        body="=SUM(A1) is a title, not a formula. +1 -1 @cmd",
        vendor="'Apostrophe first",
        product_type="+49 30 123",
        tags=("=1+1", "@home"),
        variants=(_one("=SUM(A1)", "5.00", 1, barcode="-5"),),
    ),
    DraftProduct(
        title="  Spaces around  ",
        body=" <p> text </p> ",
        vendor="Two  inner  spaces",
        product_type="Spaces ",
        variants=(_one(" SKU with spaces ", "7.50", 2, barcode="\tTAB"),),
    ),
    DraftProduct(
        title="Sku is missing",
        body="",
        vendor="Plain Goods",
        product_type="",
        variants=(_one(None, "12.00", 9),),
    ),
    DraftProduct(
        title="Twin one",
        vendor="Plain Goods",
        product_type="Twins",
        variants=(_one("TWIN", "12.00", 1),),
    ),
    DraftProduct(
        title="Twin two",
        vendor="Plain Goods",
        product_type="Twins",
        variants=(_one("TWIN", "13.00", 2),),
    ),
    DraftProduct(
        title='Quotes " and \\ backslash / slash',
        body="<p>line one\nline two\r\nline three</p><!-- comment -->",
        vendor="O'Brien, Inc.",
        product_type="A, B; C",
        variants=(_one('Q"1\\2', "3.30", 1),),
    ),
    DraftProduct(
        title="Price edges",
        vendor="Trap & Sons",
        product_type="Traps",
        options=("Price",),
        variants=(
            DraftVariant(selected=("free",), sku="PE-0", price="0.00", stock=_stock(1)),
            DraftVariant(selected=("cent",), sku="PE-1", price="0.01", stock=_stock(1)),
            DraftVariant(selected=("large",), sku="PE-2", price="1234567.89", stock=_stock(1)),
            DraftVariant(selected=("reduced",), sku="PE-3", price="9.99", compare_at_price="19.99", stock=_stock(1)),
        ),
    ),
    DraftProduct(
        title="Stock edges",
        vendor="Trap & Sons",
        product_type="Traps",
        options=("Stock",),
        variants=(
            DraftVariant(
                selected=("oversold",), sku="SE-1", price="5.00", stock=_stock(-3), inventory_policy="CONTINUE"
            ),
            DraftVariant(selected=("none",), sku="SE-2", price="5.00", stock=_stock(0, 0, 0)),
            DraftVariant(selected=("plenty",), sku="SE-3", price="5.00", stock=_stock(1_000_000)),
            DraftVariant(selected=("untracked",), sku="SE-4", price="5.00", tracked=False, stock=_stock(0)),
        ),
    ),
)

_WORLD: Final = (
    DraftProduct(
        title="חולצת פשתן",
        body='<p dir="rtl">חולצה קלה לקיץ</p>',
        vendor="סטודיו תל אביב",
        product_type="חולצות",
        tags=("קיץ",),
        variants=(_one("HE-1", "199.00", 3),),
    ),
    DraftProduct(
        title="قميص كتان (M)",
        body='<p dir="rtl">قميص خفيف 100٪</p>',
        vendor="دار النيل",
        product_type="قمصان",
        variants=(_one("AR-1", "49.00", 5),),
    ),
    DraftProduct(
        title="東京 マグカップ",
        body="<p>電子レンジ対応</p>",
        vendor="カフェ株式会社",
        product_type="食器",
        tags=("新商品",),
        variants=(_one("JP-1", "18.00", 40, 6),),
        collections=("Kitchen",),
    ),
    DraftProduct(
        title="Party Hat 🎉👨‍👩‍👧‍👦",
        body="<p>For 🎂 only. 𝔘𝔫𝔦𝔠𝔬𝔡𝔢!</p>",
        vendor="😀 GmbH",
        product_type="🎈",
        tags=("🎉",),
        variants=(_one("HAT-🎉", "4.20", 100),),
    ),
    DraftProduct(
        title="Ünïcödé Café Crème",
        body="<p>e\u0301 is not é to a byte comparison.</p>",
        vendor="Weber & Söhne",
        product_type="Coffee",
        tags=("ça va", "œuvre"),
        options=("Größe",),
        variants=(
            DraftVariant(
                selected=("250 g",), sku="UC-250", price="8.90", stock=_stock(30, 10), weight=250, weight_unit="GRAMS"
            ),
            DraftVariant(selected=("1 kg",), sku="UC-1000", price="29.90", stock=_stock(12), weight=1.0),
        ),
        collections=("Kitchen",),
    ),
    DraftProduct(
        title="Żółta filiżanka",
        vendor="Łódź Ceramika",
        product_type="Kitchen",
        variants=(_one("PL-1", "14.00", 8),),
        collections=("Kitchen",),
    ),
    DraftProduct(
        title="Zero\u200bwidth and no\u00a0break",
        vendor="Plain Goods",
        product_type="Traps",
        variants=(_one("ZW\u200b1", "1.00", 1),),
    ),
)

_HOUSE: Final = (
    DraftProduct(
        title="Oak Chair",
        body="<table><tr><td>Height</td><td>82 cm</td></tr></table>",
        vendor="Möbelhaus",
        product_type="Furniture",
        category="hg",
        variants=(_one("CH-1", "189.00", 6, 1, weight=7.4, cost="82.50"),),
        images=(_image("chair", "Oak chair"),),
    ),
    DraftProduct(
        title="Candle",
        vendor="Möbelhaus",
        product_type="Decoration",
        options=("Scent",),
        variants=tuple(
            DraftVariant(selected=(scent,), sku=f"CA-{place}", price="12.50", stock=_stock(20 + place, place, 2))
            for place, scent in enumerate(("Fig", "Cedar", "Sea salt"), 1)
        ),
        metafields=(DraftMetafield("custom", "burn_time", "number_integer", "40"),),
    ),
    DraftProduct(
        title="Gift Card",
        vendor="Demo Shop",
        product_type="Gift Cards",
        gift_card=True,
        options=("Denominations",),
        variants=tuple(
            DraftVariant(
                selected=(f"€{value}",),
                price=f"{value}.00",
                tracked=False,
                requires_shipping=False,
                taxable=False,
            )
            for value in (10, 25, 50)
        ),
    ),
    DraftProduct(
        title="Notebook A5",
        vendor="Plain Goods",
        product_type="Paper",
        category="os",
        tags=("paper", "school"),
        options=("Ruling",),
        variants=tuple(
            DraftVariant(
                selected=(ruling,),
                sku=f"NB-{place:03d}",
                price="6.90",
                stock=_stock(60, 12),
                metafields=(DraftMetafield("custom", "shelf", "single_line_text_field", f"{place}-{place + 1}"),),
            )
            for place, ruling in enumerate(("Plain", "Lined", "Dotted"), 1)
        ),
    ),
    DraftProduct(
        title="E-Book: Sheets for Shops",
        vendor="Demo Shop",
        product_type="Books",
        variants=(_one("EB-1", "19.00", 0, tracked=False, requires_shipping=False),),
    ),
    DraftProduct(
        title="A title that is exactly as long as a title may be " + "x" * 204 + "!",
        vendor="Plain Goods",
        product_type="Traps",
        variants=(_one("LONG-1", "1.00", 1),),
    ),
    DraftProduct(
        title="Long description",
        body="<p>" + "Lorem ipsum dolor sit amet. " * 400 + "</p>",
        vendor="Plain Goods",
        product_type="Traps",
        variants=(_one("LONG-2", "1.00", 1),),
    ),
    DraftProduct(
        title="Sofa",
        vendor="Möbelhaus",
        product_type="Furniture",
        options=("Fabric", "Seats"),
        variants=tuple(
            DraftVariant(
                selected=(fabric, seats),
                sku=f"SO-{fabric[0]}{seats}",
                price=f"{699 + 200 * place}.00",
                stock=_stock(place, 1 if place else 0),
                weight=48.5,
            )
            for place, (fabric, seats) in enumerate((f, s) for f in ("Bouclé", "Velvet") for s in ("2", "3"))
        ),
    ),
    DraftProduct(
        title="Tea Towel",
        vendor="Casa Azul",
        product_type="Kitchen",
        tags=("kitchen", "linen"),
        variants=(_one("TT-1", "9.00", 25, 5),),
        collections=("Kitchen", "Summer"),
    ),
)


def sample_catalogue() -> Catalogue:
    """The catalogue."""
    return Catalogue("sample", _CLOTHES + _SPREADSHEET_TRAPS + _WORLD + _HOUSE, LOCATIONS, DEFINITIONS)
