//! A file of any length is read in the memory of a short one. A binary of its own: the peak is of the process.

use statements::{Event, read};
use std::io::{BufReader, Read};

/// A head, a part over and over, a tail.
struct Endless {
    head: Vec<u8>,
    part: Vec<u8>,
    tail: Vec<u8>,
    times: usize,
    at: usize,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let piece = match self.times {
                _ if !self.head.is_empty() => &mut self.head,
                0 => &mut self.tail,
                _ => {
                    let read = (&self.part[self.at..]).read(out)?;
                    self.at += read;
                    if self.at == self.part.len() {
                        (self.at, self.times) = (0, self.times - 1);
                    }
                    return Ok(read);
                }
            };
            let read = (&piece[..]).read(out)?;
            piece.drain(..read);
            if read > 0 || self.times == 0 {
                return Ok(read);
            }
        }
    }
}

const BYTES: usize = 16 * 1024 * 1024;
const GROWTH_MAX_KB: u64 = 4 * 1024;

fn peak_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

fn lines_in(head: &str, part: &str, tail: &str) -> u64 {
    let times = BYTES / part.len();
    let file = Endless { head: head.into(), part: part.into(), tail: tail.into(), times, at: 0 };
    let mut lines = 0;
    for event in read(BufReader::new(file)).expect("a format that is known") {
        match event.expect("a file that reads") {
            Event::Closed(foot) => assert_eq!(foot.lines, lines),
            Event::Line(_) => lines += 1,
            Event::Opened(_) | Event::Remark(_) => {}
        }
    }
    assert_eq!(lines, times as u64);
    lines
}

#[test]
fn a_long_file_takes_the_memory_of_a_short_one() {
    let Some(before) = peak_kb() else {
        println!("skipped: the peak of memory cannot be told here");
        return;
    };
    lines_in(
        ":20:R\n:25:1\n:28C:1\n:60F:C260101EUR0,\n",
        ":61:260102C1,NTRFX//Y\n:86:166?00GUTSCHRIFT?20EREF+E2E?21SVWZ+Rechnung 1?32ACME\n",
        ":62F:C260102EUR1,\n-\n",
    );
    let day = "<Dt><Dt>2026-01-02</Dt></Dt>";
    let balance = |code: &str| {
        format!("<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">1</Amt><CdtDbtInd>CRDT</CdtDbtInd>{day}</Bal>")
    };
    lines_in(
        &format!(
            "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><Stmt><Id>1</Id><Acct><Id><IBAN>DE1</IBAN></Id></Acct>{}{}",
            balance("OPBD"),
            balance("CLBD")
        ),
        "<Ntry><Amt Ccy=\"EUR\">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>2026-01-02</Dt></BookgDt><NtryDtls><TxDtls>\
<RmtInf><Ustrd>Invoice 1</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>\n",
        "</Stmt></BkToCstmrStmt></Document>",
    );
    lines_in(
        "01,B,ME,260102,1200,1,,,2/\n02,ME,B,1,260102,,EUR,2/\n03,1,,010,0,,/\n",
        "16,195,100,0,BANK,REF,Invoice 1\n88,REMI: Invoice 1\n",
        "49,0,0/\n98,0,1,0/\n99,0,1,0/\n",
    );
    let grown = peak_kb().unwrap() - before;
    assert!(grown < GROWTH_MAX_KB, "{grown} kB more for files of {BYTES} bytes");
}
