"""Reads what our reader reads of a camt.053 file with lxml's iterparse and prints its lines and the seconds it took."""

import sys
import time
from decimal import Decimal

from lxml import etree

NS = "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}"


def text(element, path):
    return element.findtext("/".join(NS + part for part in path.split("/")))


began = time.perf_counter()
lines, total = 0, Decimal(0)
for _, entry in etree.iterparse(sys.argv[1], tag=NS + "Ntry"):
    amount = Decimal(text(entry, "Amt"))
    total += amount if text(entry, "CdtDbtInd") == "CRDT" else -amount
    kept = [
        text(entry, path)
        for path in (
            "BookgDt/Dt", "ValDt/Dt", "AcctSvcrRef", "NtryDtls/TxDtls/Refs/EndToEndId", "NtryDtls/TxDtls/RltdPties/Dbtr/Pty/Nm",
            "NtryDtls/TxDtls/RltdPties/DbtrAcct/Id/IBAN", "NtryDtls/TxDtls/RmtInf/Ustrd", "BkTxCd/Domn/Cd", "BkTxCd/Domn/Fmly/Cd",
        )
    ]
    lines += 1
    entry.clear()
    while entry.getprevious() is not None:
        del entry.getparent()[0]
print(lines, f"{time.perf_counter() - began:.6f}")
