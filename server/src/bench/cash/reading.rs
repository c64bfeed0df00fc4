//! Reading statements against well-kept Python parsers of the same files, taken in turns, and the memory that a gigabyte of them takes.

use super::super::{ROUNDS, Report, median, megabytes_of, peers, per_second, ratio, seconds};
use anyhow::{Context as _, ensure};
use rust_decimal::Decimal;
use statements::Event;
use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::process::Command;

/// Of the file whose memory is looked at.
const LARGE_BYTES: u64 = 1 << 30;
/// Lines of a statement: a day of a busy account.
const STATEMENT: u32 = 1_000;

/// A format with its well-kept parser in Python.
struct Rival {
    format: &'static str,
    write: fn(&mut dyn Write, u32) -> std::io::Result<()>,
    package: &'static str,
    script: &'static str,
}

const RIVALS: [Rival; 2] = [
    Rival { format: "mt940", write: mt940, package: "mt-940==5.1.1", script: include_str!("../peers/mt940.py") },
    Rival { format: "camt053", write: camt053, package: "lxml==6.1.3", script: include_str!("../peers/camt053.py") },
];

/// Adds its figures and ratios to the report.
pub async fn run(lines: u32, report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let Report { figures, ratios, .. } = report;
    for rival in &RIVALS {
        let python = peers::python(rival.package).await?;
        // a script of the name of what it imports would import itself
        let (file, script) = (written(dir.path(), rival.format, rival.write, lines)?, dir.path().join(format!("read_{}.py", rival.format)));
        std::fs::write(&script, rival.script)?;
        let (mut ours, mut theirs, mut by) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mine = read(&file, lines)?;
            let peer = parsed(&python, &script, &file, lines).await?;
            eprintln!("{}: {mine} lines/s, {peer} by {}", rival.format, rival.package);
            by.push(ratio(mine, peer)?);
            ours.push(mine);
            theirs.push(peer);
        }
        figures.insert(format!("{}_lines_per_second", rival.format), median(ours));
        figures.insert(format!("{}_python_lines_per_second", rival.format), median(theirs));
        ratios.insert(format!("{}_vs_python", rival.format), median(by));
    }
    let bai = written(dir.path(), "bai2", bai2, lines)?;
    figures.insert("bai2_lines_per_second".into(), median((0..ROUNDS).map(|_| read(&bai, lines)).collect::<Result<_, _>>()?));
    for (format, write) in [("mt940", mt940 as fn(&mut dyn Write, u32) -> _), ("camt053", camt053), ("bai2", bai2)] {
        let sample = std::fs::metadata(dir.path().join(format))?.len();
        let count = u32::try_from(LARGE_BYTES * u64::from(lines) / sample.max(1))?;
        let file = written(dir.path(), &format!("{format}-large"), write, count)?;
        let (megabytes, took) = resident(&file).await?;
        figures.insert(format!("{format}_gigabyte_peak_megabytes"), megabytes);
        figures.insert(format!("{format}_gigabyte_seconds"), seconds(took));
        std::fs::remove_file(file)?;
    }
    Ok(())
}

fn written(dir: &Path, name: &str, write: fn(&mut dyn Write, u32) -> std::io::Result<()>, lines: u32) -> anyhow::Result<PathBuf> {
    let path = dir.join(name);
    let mut file = BufWriter::new(File::create(&path)?);
    write(&mut file, lines)?;
    file.flush()?;
    Ok(path)
}

fn read(file: &Path, lines: u32) -> anyhow::Result<Decimal> {
    let began = Instant::now();
    let mut found = 0;
    for event in statements::read(BufReader::with_capacity(1 << 16, File::open(file)?))? {
        match event? {
            Event::Line(_) => found += 1,
            Event::Closed(foot) => ensure!(foot.proof.balanced() == Some(true), "{}: a statement does not add up", file.display()),
            Event::Opened(_) | Event::Remark(_) => {}
        }
    }
    ensure!(found == lines, "{}: {found} lines, not {lines}", file.display());
    Ok(per_second(lines, began.elapsed()))
}

/// Lines per second as the script measures them, without the start of Python.
async fn parsed(python: &Path, script: &Path, file: &Path, lines: u32) -> anyhow::Result<Decimal> {
    let output = Command::new(python).arg(script).arg(file).output().await.context("python")?;
    ensure!(output.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let (found, seconds) = text.split_once(' ').with_context(|| format!("{} printed {text:?}", script.display()))?;
    ensure!(found == lines.to_string(), "{}: {found} lines, not {lines}", script.display());
    Ok((Decimal::from(lines) / seconds.parse::<Decimal>()?).round_dp(1))
}

/// The peak of a program that reads the file, twice as an import does.
async fn resident(file: &Path) -> anyhow::Result<(Decimal, Duration)> {
    let began = Instant::now();
    let mut child =
        Command::new(std::env::current_exe()?).args(["import", "--dry-run"]).arg(file).stdout(std::process::Stdio::null()).spawn()?;
    let status = format!("/proc/{}/status", child.id().context("it ended at once")?);
    let mut peak = Decimal::ZERO;
    loop {
        tokio::select! {
            done = child.wait() => {
                ensure!(done?.success(), "{} was not read", file.display());
                return Ok((peak, began.elapsed()));
            }
            () = tokio::time::sleep(Duration::from_millis(20)) => {
                // the last look comes when it is gone already
                if let Ok(text) = std::fs::read_to_string(&status) {
                    peak = peak.max(megabytes_of(&text, "VmHWM:"));
                }
            }
        }
    }
}

/// Cents of a line: they differ, and are the same on every run.
fn cents(n: u32) -> u64 {
    u64::from(n) * 7_919 % 1_000_000 + 1
}

fn in_statements(lines: u32) -> impl Iterator<Item = (u32, std::ops::Range<u32>)> {
    (0..lines.div_ceil(STATEMENT)).map(move |n| (n + 1, n * STATEMENT..((n + 1) * STATEMENT).min(lines)))
}

fn mt940(out: &mut dyn Write, lines: u32) -> std::io::Result<()> {
    let comma = |cents: u64| format!("{},{:02}", cents / 100, cents % 100);
    let mut balance = 0;
    for (number, of) in in_statements(lines) {
        write!(
            out,
            ":20:ST{number}\r\n:25:DE89370400440532013000\r\n:28C:{}/1\r\n:60F:C261001EUR{}\r\n",
            number % 100_000,
            comma(balance)
        )?;
        for n in of {
            balance += cents(n);
            write!(
                out,
                ":61:2610021002C{}NTRFNONREF//B{n}\r\n:86:166?00GUTSCHRIFT?20EREF+E2E-{n}?21SVWZ+INV-DE-{n:06}?22dated 2026-09-30\
                ?30COBADEFFXXX?31DE02120300000000202051?32Customer {n} GmbH\r\n",
                comma(cents(n))
            )?;
        }
        write!(out, ":62F:C261002EUR{}\r\n-\r\n", comma(balance))?;
    }
    Ok(())
}

fn camt053(out: &mut dyn Write, lines: u32) -> std::io::Result<()> {
    let point = |cents: u64| format!("{}.{:02}", cents / 100, cents % 100);
    let balance = |kind: &str, cents: u64| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-10-02</Dt></Dt></Bal>",
            point(cents)
        )
    };
    write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\
        <GrpHdr><MsgId>M</MsgId><CreDtTm>2026-10-02T21:00:00</CreDtTm></GrpHdr>"
    )?;
    let mut total = 0;
    for (number, of) in in_statements(lines) {
        let opening = total;
        total += of.clone().map(cents).sum::<u64>();
        write!(
            out,
            "<Stmt><Id>S{number}</Id><ElctrncSeqNb>{number}</ElctrncSeqNb><CreDtTm>2026-10-02T21:00:00</CreDtTm>\
            <Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>{}{}",
            balance("OPBD", opening),
            balance("CLBD", total)
        )?;
        for n in of {
            write!(
                out,
                "\n<Ntry><Amt Ccy=\"EUR\">{0}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-10-02</Dt></BookgDt>\
                <ValDt><Dt>2026-10-02</Dt></ValDt><AcctSvcrRef>B{n}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>\
                <NtryDtls><TxDtls><Refs><EndToEndId>E2E-{n}</EndToEndId></Refs><Amt Ccy=\"EUR\">{0}</Amt><CdtDbtInd>CRDT</CdtDbtInd>\
                <RltdPties><Dbtr><Pty><Nm>Customer {n} GmbH</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>DE02120300000000202051</IBAN></Id></DbtrAcct></RltdPties>\
                <RmtInf><Ustrd>INV-DE-{n:06} dated 2026-09-30</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>",
                point(cents(n))
            )?;
        }
        write!(out, "</Stmt>")?;
    }
    writeln!(out, "</BkToCstmrStmt></Document>")
}

fn bai2(out: &mut dyn Write, lines: u32) -> std::io::Result<()> {
    let (mut total, mut control, mut records, mut groups) = (0, 0, 0u32, 0);
    writeln!(out, "01,FHARBOR,LUMEN,261002,0600,1,,,2/")?;
    for (_, of) in in_statements(lines) {
        let (opening, credits) = (total, of.clone().map(cents).sum::<u64>());
        total += credits;
        let count = of.end - of.start;
        write!(out, "02,LUMEN,FHARBOR,1,261002,2359,USD,2/\n03,000123456789,USD,010,{opening},,,015,{total},,,100,{credits},{count},/\n")?;
        for n in of {
            writeln!(out, "16,195,{},0,B{n},E2E-{n},CUSTOMER {n} INC INV-US-{n:06} DATED 2026-09-30", cents(n))?;
        }
        let sum = opening + total + 2 * credits;
        write!(out, "49,{sum},{}/\n98,{sum},1,{}/\n", count + 2, count + 4)?;
        (control, records, groups) = (control + sum, records + count + 4, groups + 1);
    }
    writeln!(out, "99,{control},{groups},{}/", records + 2)
}
