"""Which time zone a country and a postal code lie in, for letters that arrive at a good hour.

Our own table: offices give one zone for a place's first digits, and a border town may be an hour off.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Country:
    """A country with several zones. ``ranges`` are (first, last, zone) of prefixes ``length`` characters long.

    ``otherwise`` is where everybody else lives; empty if nothing can be said without a postal code.
    """

    length: int
    ranges: tuple[tuple[str, str, str], ...]
    otherwise: str = ""


def _read(length: int, lines: str, otherwise: str = "") -> Country:
    """``Zone 010-069 071``: a zone and its prefixes; without a slash it is in America."""
    ranges: list[tuple[str, str, str]] = []
    for line in lines.strip().splitlines():
        zone, *places = line.split()
        zone = zone if "/" in zone else f"America/{zone}"
        ranges += [(first, last or first, zone) for first, _, last in (place.partition("-") for place in places)]
    return Country(length, tuple(ranges), otherwise)


SEVERAL = {
    "US": _read(
        3,
        """
        Puerto_Rico 006-009
        New_York 005 010-089 100-323 326-339 341-349 373-374 376-379 398-418 425-427 430-462 465-475 478-499
        Chicago 324-325 350-372 380-397 420-424 463-464 476-477 500-576 580-585 587-588 600-692 700-797
        Denver 577 586 590-599 693 798-834 836-837 840-847 870-885 979
        Phoenix 850-865
        Los_Angeles 835 838 889-961 970-978 980-994
        Anchorage 995-999
        Pacific/Honolulu 967-968
        Pacific/Guam 969
        """,
    ),
    "CA": _read(
        3,
        """
        St_Johns A0A-A9Z
        Halifax B0A-C9Z E0A-E9Z
        Toronto G0A-P7Z
        Winnipeg P8A-R9Z
        Regina S0A-S9Z
        Edmonton T0A-T9Z X0E-X9Z
        Vancouver V0A-V9Z
        Iqaluit X0A-X0C
        Whitehorse Y0A-Y9Z
        """,
    ),
    "AU": _read(
        2,
        """
        Australia/Darwin 08-09
        Australia/Sydney 02 10-29
        Australia/Melbourne 30-39 80-89
        Australia/Brisbane 40-49 90-99
        Australia/Adelaide 50-59
        Australia/Perth 60-69
        Australia/Hobart 70-79
        """,
    ),
    "BR": _read(
        3,
        """
        Manaus 690-692 694-698
        Boa_Vista 693
        Rio_Branco 699
        Porto_Velho 768-769
        Cuiaba 780-788
        Campo_Grande 790-799
        """,
        "America/Sao_Paulo",
    ),
    "RU": _read(
        3,
        """
        Europe/Kaliningrad 236-238
        Europe/Samara 410-416 426-427 432-433 443-446
        Asia/Yekaterinburg 450-462 614-629 640-641
        Asia/Omsk 644-646
        Asia/Novosibirsk 630-636 647-663 667-668
        Asia/Irkutsk 664-666 669-671
        Asia/Yakutsk 672-678
        Asia/Vladivostok 679-682 690-692
        Asia/Magadan 685-686 693-694
        Asia/Kamchatka 683-684 688-689
        """,
        "Europe/Moscow",
    ),
    "MX": _read(
        2,
        """
        Tijuana 21-22
        Mazatlan 23 63 80-82
        Ciudad_Juarez 32
        Hermosillo 83-85
        Cancun 77
        """,
        "America/Mexico_City",
    ),
    "ID": _read(
        2,
        """
        Asia/Makassar 70-72 75-77 80-96
        Asia/Jayapura 97-99
        """,
        "Asia/Jakarta",
    ),
    "ES": _read(2, "Atlantic/Canary 35 38", "Europe/Madrid"),
    "PT": _read(2, "Atlantic/Azores 95-99", "Europe/Lisbon"),
    "FR": _read(
        3,
        """
        Guadeloupe 971-972
        Cayenne 973
        Indian/Reunion 974
        Indian/Mayotte 976
        """,
        "Europe/Paris",
    ),
}
_ONE = """
America Argentina/Buenos_Aires:AR La_Paz:BO Santiago:CL Bogota:CO Costa_Rica:CR Havana:CU Santo_Domingo:DO
America Guayaquil:EC Guatemala:GT Tegucigalpa:HN Port-au-Prince:HT Jamaica:JM Managua:NI Panama:PA Lima:PE
America Puerto_Rico:PR Asuncion:PY El_Salvador:SV Port_of_Spain:TT Montevideo:UY Caracas:VE
Europe Andorra:AD Tirane:AL Vienna:AT Sarajevo:BA Brussels:BE Sofia:BG Zurich:CH,LI Prague:CZ Berlin:DE
Europe Copenhagen:DK Tallinn:EE Helsinki:FI London:GB Athens:GR Zagreb:HR Budapest:HU Dublin:IE Rome:IT,VA,SM
Europe Vilnius:LT Luxembourg:LU Riga:LV Monaco:MC Chisinau:MD Podgorica:ME Skopje:MK Malta:MT Amsterdam:NL
Europe Oslo:NO Warsaw:PL Bucharest:RO Belgrade:RS,XK Stockholm:SE Ljubljana:SI Bratislava:SK Istanbul:TR
Europe Kyiv:UA Minsk:BY
Asia Dubai:AE Kabul:AF Yerevan:AM Baku:AZ Dhaka:BD Bahrain:BH Shanghai:CN Nicosia:CY Tbilisi:GE Hong_Kong:HK
Asia Jerusalem:IL Kolkata:IN Baghdad:IQ Tehran:IR Amman:JO Tokyo:JP Bishkek:KG Phnom_Penh:KH Seoul:KR Kuwait:KW
Asia Almaty:KZ Vientiane:LA Beirut:LB Colombo:LK Yangon:MM Macau:MO Kuala_Lumpur:MY Kathmandu:NP Muscat:OM
Asia Manila:PH Karachi:PK Gaza:PS Qatar:QA Riyadh:SA Singapore:SG Damascus:SY Bangkok:TH Dushanbe:TJ Taipei:TW
Asia Tashkent:UZ Ho_Chi_Minh:VN
Africa Luanda:AO Gaborone:BW Abidjan:CI Douala:CM Algiers:DZ Cairo:EG Addis_Ababa:ET Accra:GH Nairobi:KE
Africa Casablanca:MA Maputo:MZ Windhoek:NA Lagos:NG Kigali:RW Khartoum:SD Dakar:SN Tunis:TN Dar_es_Salaam:TZ
Africa Kampala:UG Johannesburg:ZA Lusaka:ZM Harare:ZW
Atlantic Reykjavik:IS
Pacific Auckland:NZ Fiji:FJ Guam:GU
"""
ONE = {
    code: f"{part}/{name}"
    for part, *towns in (line.split() for line in _ONE.strip().splitlines())
    for name, _, codes in (town.partition(":") for town in towns)
    for code in codes.split(",")
}
ALL = frozenset(ONE.values()).union(
    *({zone for _, _, zone in one.ranges} | ({one.otherwise} - {""}) for one in SEVERAL.values())
)


def postal_start(postal_code: str, length: int) -> str:
    """The beginning of a postal code as the table writes it: no spaces or dashes, capitals."""
    return postal_code.replace(" ", "").replace("-", "")[:length].upper()


def zone_of(country: str, postal_code: str) -> str | None:
    """The zone of a place; None where the table cannot say."""
    several = SEVERAL.get(country)
    if several is None:
        return ONE.get(country)
    start = postal_start(postal_code, several.length)
    if len(start) == several.length and start.isascii():
        for first, last, zone in several.ranges:
            if first <= start <= last:
                return zone
    return several.otherwise or None
