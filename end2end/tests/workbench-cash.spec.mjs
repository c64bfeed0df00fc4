// Cash application: from how much is not applied to a payment, its suggestions, the form by hand, and the way back.
import { expect, test } from '../fixtures.mjs';
import { handOver, statement } from '../statement.mjs';

const BENCH = '/cash/workbench';
const payments = (page) => page.getByRole('navigation', { name: 'Payments' }).getByRole('link');
const suggestions = (page) => page.getByRole('article');
const candidates = (page) => page.getByRole('table', { name: /Give it to/ }).getByRole('row').filter({ has: page.getByRole('checkbox') });
const done = (page, text) => expect(page.getByRole('status').filter({ hasText: text }).first()).toBeVisible();
const plain = (text) => text.replaceAll(/[^0-9.]/g, '');
// what is not applied in full, in number, as the head of the list says it
const waiting = async (page) => Number(plain(/: ([\d,]+) ·/.exec(await page.getByRole('heading', { name: /^Payments/ }).textContent())[1]));
// a button that needs a script is shown when its script runs
const awake = (page) => expect(page.getByRole('button', { name: /^Keyboard/ })).toBeVisible();

// Opens the first payment of a filter for which `fits` holds.
async function open(page, filter, fits) {
  await page.goto(`${BENCH}?${filter}`);
  const addresses = await payments(page).evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  for (const address of addresses) {
    await page.goto(address);
    if (await fits(page)) return;
  }
  throw new Error(`no payment of ${filter} fits among ${addresses.length}`);
}

const isSuggested = async (page) => (await suggestions(page).first().getByRole('button', { name: /apply/i, disabled: false }).count()) > 0;
const hasInvoices = async (page) => (await candidates(page).count()) > 0;

test('from how much is not applied, by age, to a payment and what its bank said', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/cash');
  const matrix = page.getByRole('table', { name: /Money that is not applied/ });
  await expect(matrix).toBeVisible();
  await expect(page.getByRole('table', { name: /Applied by the rules/ })).toContainText(/\d of \d/);
  await expectAccessible();
  await matrix.getByRole('row').getByRole('cell').getByRole('link').first().click();
  await expect(page).toHaveURL(/workbench\?entity=/);
  await payments(page).first().click();
  await expect(page).toHaveURL(/workbench\/[0-9a-f-]{36}/);
  await expect(payments(page).first()).toHaveAttribute('aria-current', 'true');
  await expect(page.getByText('Came to')).toBeVisible();
  await expectAccessible();
});

test('a suggestion is applied as it stands, the list shrinks, and it is taken back', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await open(page, 'status=open', isSuggested);
  const before = await waiting(page);
  const card = suggestions(page).first();
  await expect(card.getByRole('list', { name: 'For and against' }).getByRole('listitem').first()).toContainText(/^[+-]\d+/);
  await card.getByRole('button', { name: /apply/i }).click();
  await done(page, 'Applied');
  const applications = page.getByRole('table', { name: /Applications/ });
  await expect(applications).toContainText('Suggestion taken');
  const whole = (await page.getByRole('heading', { name: /^Open invoices|Give it to/ }).count()) === 0;
  expect(await waiting(page)).toBe(whole ? before - 1 : before);
  await expectAccessible();
  await applications.getByText('Take back', { exact: true }).first().click();
  await applications.getByLabel('Because').first().fill('the wrong invoice');
  await applications.getByRole('button', { name: /^Take back AP-/ }).first().click();
  await done(page, 'Taken back');
  await expect(applications.getByText('taken back').first()).toBeVisible();
  expect(await waiting(page)).toBe(before);
});

test('an invoice is chosen by hand and what does not add up is said by the server', async ({ page, signIn }) => {
  await signIn('controller');
  await open(page, 'status=open', hasInvoices);
  const row = candidates(page).last();
  const number = await row.getByRole('rowheader').getByRole('link').textContent();
  await page.getByRole('button', { name: 'Apply what is ticked' }).isEnabled();
  await page.getByLabel('Because').first().fill('the remittance says so');
  await row.getByRole('checkbox').check();
  await row.getByLabel(`Give to ${number}`).fill('12,50');
  await page.getByRole('button', { name: 'Apply what is ticked' }).click();
  await expect(page.getByRole('alert')).toContainText(`${number}: the amount is none`);
  await row.getByRole('checkbox').check();
  await row.getByLabel(`Give to ${number}`).fill('1');
  await page.getByLabel('Because').first().fill('the remittance says so');
  await page.getByRole('button', { name: 'Apply what is ticked' }).click();
  await done(page, 'Applied');
  await page.getByRole('table', { name: /Applications/ }).getByRole('link', { name: number }).first().click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText(number);
  await expect(page.getByRole('table', { name: /Applications/ })).toContainText('the remittance says so');
});

test('the residual runs with what is ticked, and no row gets more than is left @js', async ({ page, signIn }) => {
  await signIn('controller');
  await open(page, 'status=open', async () => (await candidates(page).count()) > 1);
  await awake(page);
  const left = page.getByRole('status').filter({ hasText: /to give|left|adds up|more than|no amount/ });
  await expect(left).toContainText('to give');
  const [first, second] = [candidates(page).nth(0), candidates(page).nth(1)];
  await first.getByRole('checkbox').check();
  await first.getByLabel(/^Give to/).fill('0.5');
  await expect(left).toContainText('left, stays unapplied');
  await second.getByRole('checkbox').check();
  await expect(left).toContainText(/left, stays unapplied|adds up/);
  await first.getByLabel(/^Give to/).fill('zero');
  await expect(left).toContainText('“zero” is no amount');
});

test('keys lead from payment to payment and to a suggestion @js', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto(BENCH);
  await awake(page);
  const second = await payments(page).nth(1).getAttribute('href');
  await page.keyboard.press('j');
  await expect(page).toHaveURL(new RegExp(second.split('?')[0]));
  await awake(page);
  await page.keyboard.press('k');
  await expect(payments(page).first()).toHaveAttribute('aria-current', 'true');
  await open(page, 'status=open', isSuggested);
  await awake(page);
  await page.keyboard.press('1');
  await expect(suggestions(page).first().getByRole('button', { name: /apply/i })).toBeFocused();
  await page.keyboard.press('/');
  await expect(page.getByLabel('Kind')).toBeFocused();
  await payments(page).first().focus();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeVisible();
  await expectAccessible();
});

// The job that makes payments of statements' money, so that nobody has to wait for its time.
async function receive(page, signIn) {
  await signIn('operator');
  await page.goto('/jobs');
  const schedule = page.getByRole('table', { name: /Schedules/ }).getByRole('row').filter({ hasText: 'Receive and apply cash' });
  await schedule.getByRole('button', { name: 'Run now' }).click();
  await page.context().clearCookies();
}

test('money of an unknown payer gets its customer, and is kept on account', async ({ page, signIn }, { project }) => {
  await signIn('controller');
  await handOver(page, statement({ day: project.name === 'js' ? '350103' : '360103', text: 'QUITE UNKNOWN TRADERS' }));
  await expect(page).toHaveURL(/\/cash\/statements\//);
  await page.context().clearCookies();
  await receive(page, signIn);
  await signIn('controller');
  await expect(async () => {
    await page.goto(`${BENCH}?status=unidentified&entity=US&currency=CAD`);
    await expect(payments(page).first()).toBeVisible({ timeout: 500 });
  }).toPass();
  await payments(page).first().click();
  const unknown = page.url();
  await page.getByText('Say who paid', { exact: true }).click();
  await page.getByLabel('Customer code').fill('C-NOBODY');
  await page.getByLabel('How do you know').fill('he called');
  await page.getByRole('button', { name: 'This customer paid' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'has no receivables in this entity' })).toBeVisible();
  const found = await page.context().newPage();
  await found.goto('/cash/items?entity=US');
  const code = await found.getByRole('table', { name: 'Open invoices' }).locator('tbody td small').first().textContent();
  await found.close();
  await page.getByLabel('Customer code').fill(code);
  await page.getByLabel('How do you know').fill('he called');
  await page.getByRole('button', { name: 'This customer paid' }).click();
  await done(page, 'The payer is known');
  const known = page.url().split('?')[0];
  await page.getByText('Keep it on account', { exact: true }).click();
  await page.locator('#keep-because').fill('a deposit');
  await page.getByRole('button', { name: /^Keep .* on account$/ }).click();
  await done(page, 'Kept');
  await expect(page.getByRole('region', { name: /^500\.00 CAD from/ })).toContainText('on account');
  await page.goto(unknown); // an old address leads to the new version
  await expect(page.getByRole('heading', { name: /^500\.00 CAD from/ })).toBeVisible();
  await page.goto('/cash');
  await expect(page.getByRole('rowheader', { name: 'CAD on account' }).first()).toBeVisible();
  expect(known).not.toBe(unknown.split('?')[0]);
});

test('receivables by age lead to their items and to the customer’s account', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/cash/receivables');
  const aging = page.getByRole('table', { name: /Receivables by age/ });
  await expect(aging).toContainText('Receivable');
  await expectAccessible();
  await aging.getByRole('row').getByRole('cell').getByRole('link').first().click();
  const items = page.getByRole('table', { name: 'Open invoices' });
  await expect(items).toBeVisible();
  await expect(page.getByText(/all that match: [\d,]+ · /)).toBeVisible();
  await expectAccessible();
  await items.locator('tbody td a').first().click();
  await expect(page).toHaveURL(/\/cash\/customer\?/);
  await expect(page.getByRole('table', { name: /Account/ })).toBeVisible();
  await expectAccessible();
  await page.getByText('Disputes', { exact: true }).click();
  const number = (await page.getByLabel('The customer disputes').locator('option').first().textContent()).split(' · ')[0];
  await page.getByRole('textbox', { name: 'Because' }).first().fill('the hours are wrong');
  await page.getByRole('button', { name: 'Mark as disputed' }).click();
  await done(page, 'Kept');
  await expect(page.getByRole('table', { name: /Open invoices/ }).getByRole('row').filter({ hasText: number })).toContainText('disputed');
});

// A fold by its words.
const unfold = (page, text) => page.locator('summary').filter({ hasText: text }).first().click();
const ownMoney = async (page) => (await page.locator('summary', { hasText: 'Refund it' }).count()) > 0;

test('money is refunded, is payable on the customer’s account, and is put back when it never leaves', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await open(page, 'status=open&kind=payment&entity=US&currency=USD', ownMoney);
  await unfold(page, 'Refund it');
  const form = page.locator('form[action="/fn/refund_money"]');
  await form.getByLabel(/^Amount in/).fill('0.01');
  await form.getByLabel('Because').fill('paid a cent too much');
  await form.getByRole('button', { name: 'Refund it' }).click();
  await done(page, 'Refunded');
  await page.goto('/cash/receivables');
  await expect(page.getByText('Refunds payable, beside it too')).toBeVisible();
  await page.goBack();
  await page.getByRole('link', { name: 'Customer’s account' }).click();
  const payable = page.getByRole('table', { name: /Refunds payable/ });
  await expect(payable).toContainText('paid a cent too much');
  await expectAccessible();
  await unfold(payable, 'Not paid out');
  await payable.getByLabel('Because').first().fill('his account is closed');
  await payable.getByRole('button', { name: /^Withdraw RF-/ }).first().click();
  await done(page, 'Withdrawn');
  await expect(payable).toHaveCount(0);
});

test('money is transferred to another customer and taken back', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/cash/items?entity=US');
  const codes = await page.getByRole('table', { name: 'Open invoices' }).locator('tbody td small').allTextContents();
  await open(page, 'status=open&kind=payment&entity=US&currency=USD', ownMoney);
  const own = new URL(await page.getByRole('link', { name: 'Customer’s account' }).getAttribute('href'), page.url()).searchParams.get('customer');
  await unfold(page, 'Transfer it');
  const form = page.locator('form[action="/fn/transfer_money"]');
  await form.getByLabel(/^Amount in/).fill('0.01');
  await form.getByLabel('To customer code').fill(codes.find((code) => code.startsWith('C') && code !== own));
  await form.getByLabel('Because').fill('it was meant for him');
  await form.getByRole('button', { name: 'Transfer it' }).click();
  await done(page, 'Transferred');
  await page.getByRole('link', { name: 'Customer’s account' }).click();
  const transfers = page.getByRole('table', { name: /Transfers/ });
  await expect(transfers).toContainText('it was meant for him');
  await expectAccessible();
  await unfold(transfers, 'Take back');
  await transfers.getByLabel('Because').first().fill('it was right before');
  await transfers.getByRole('button', { name: /^Take back TR-/ }).first().click();
  await done(page, 'Taken back');
  await expect(transfers).toContainText('taken back');
});

test('who may not apply sees everything and is told why not', async ({ page, signIn }) => {
  await signIn('auditor');
  await open(page, '', hasInvoices);
  await expect(page.getByRole('button', { name: 'Apply what is ticked' })).toBeDisabled();
  await expect(page.getByText(/needs Controller or AR specialist role/).first()).toBeVisible();
});
