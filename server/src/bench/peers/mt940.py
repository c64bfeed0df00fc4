"""Reads an MT940 file with mt-940 and prints its lines and the seconds it took."""

import sys
import time

import mt940

began = time.perf_counter()
with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
lines = sum(len(mt940.models.Transactions().parse(part + "\n-")) for part in text.split("\r\n-\r\n") if part.strip())
print(lines, f"{time.perf_counter() - began:.6f}")
