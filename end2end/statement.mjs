// A BAI2 statement of one credit, of an account of ours that needs no other statement before it.
const ACCOUNT = '000123456821'; // Canada, First Harbor

// `day` as YYMMDD, years after those of the company's past; `closing` in cents is right at 150000, after 500.00 that came in.
export function statement({ day, closing = 150000, text = 'BROOK DATA INC INV-US-000001', account = ACCOUNT }) {
  const total = 100000 + closing + 50000 + 50000;
  return [
    `01,FHARBOR,LUMEN,${day},0600,1,,,2/`,
    `02,LUMEN,FHARBOR,1,${day},2359,CAD,2/`,
    `03,${account},CAD,010,100000,,,015,${closing},,,100,50000,1,/`,
    `16,195,50000,0,X${day},,${text}`,
    `49,${total},3/`,
    `98,${total},1,5/`,
    `99,${total},1,7/`,
    '',
  ].join('\n');
}

export async function handOver(page, text) {
  await page.goto('/cash/accounts');
  await page.getByLabel('Statement file').setInputFiles({ name: 'day.bai', mimeType: 'text/plain', buffer: Buffer.from(text) });
  await page.getByRole('button', { name: 'Import' }).click();
}
