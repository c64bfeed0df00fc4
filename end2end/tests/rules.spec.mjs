// A new version of the rules of cash application: proposed, held against history by a worker, put in force by somebody else.
import { expect, test } from '../fixtures.mjs';

const RULES = '/cash/rules?entity=US';
const done = (page, text) => expect(page.getByRole('status').filter({ hasText: text }).first()).toBeVisible();
const form = (page) => page.locator('form[action="/fn/propose_rules"]');
const open = (page) => page.getByText(/^Propose a version that begins with/).click();

test('the table that decides is read by everybody, and said to be closed to who may not change it', async ({ page, signIn, expectAccessible }) => {
  await signIn('auditor');
  await page.goto(RULES);
  await expect(page.getByText(/^Rule table \d+ decides in US/)).toBeVisible();
  const points = page.getByRole('table', { name: /What a rule gives or takes/ });
  await expect(points.getByRole('row', { name: /^Reference \+60/ })).toContainText('The number is written as we printed it');
  await expect(points.getByRole('row', { name: /^Another payer −30/ })).toContainText('a person decides, whatever the score');
  await expect(page.getByRole('table', { name: /Versions in US/ })).toContainText('The standard table');
  await open(page);
  await expect(page.getByText(/needs Controller role for US/).first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Propose and back-test' })).toBeDisabled();
  await expectAccessible();
});

test('a version is proposed, back-tested, and put in force by a second person', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto(RULES);
  await open(page);
  const days = form(page).getByLabel('Due lately, days');
  const more = String(Number(await days.inputValue()) + 1);
  await form(page).getByLabel('Ahead by').fill('0');
  await form(page).getByLabel('What this is to achieve').fill('a tie should do');
  await page.getByRole('button', { name: 'Propose and back-test' }).click();
  await expect(page.locator('#minimum_margin-error')).toContainText('is a whole number from 1 to 100');
  await form(page).locator('#lately_days').fill(more);
  await form(page).getByLabel('What this is to achieve').fill('invoices fall due a day later than we thought');
  await page.getByRole('button', { name: 'Propose and back-test' }).click();
  await done(page, 'Proposed');
  const version = new URL(page.url()).searchParams.get('version');
  const here = `${RULES}&version=${version}`;
  const about = page.getByRole('region', { name: `Rule table ${version}` }).first();
  const changes = page.getByRole('table', { name: `What rule table ${version} changes` });
  await expect(changes.getByRole('row', { name: /Due lately/ })).toContainText(more);
  await expect(async () => {
    await page.goto(here);
    await expect(page.getByRole('table', { name: /Back-test against rule table/ })).toBeVisible({ timeout: 500 });
  }).toPass();
  const figures = page.getByRole('table', { name: /Back-test against rule table/ });
  await expect(figures.getByRole('row').nth(1)).toContainText(/[A-Z]{3}/);
  await expect(page.getByText('finally stood: by a person')).toBeVisible();
  await expectAccessible();
  await about.getByLabel('Why it should be in force').fill('it loses nothing');
  await about.getByRole('button', { name: 'Ask for approval' }).click();
  await done(page, 'An approver is asked');
  await expect(about.getByText('waits for approval')).toBeVisible();
  await expect(about.getByRole('button', { name: /^Approve/ })).toBeDisabled();
  await expect(about.getByText('you prepared it')).toBeVisible();
  await page.context().clearCookies();
  await signIn('approver');
  await page.goto('/approvals');
  const waiting = page.getByRole('table', { name: /Rules of cash application/ });
  await expect(waiting).toContainText('wrongly with');
  await expectAccessible();
  await waiting.getByRole('link', { name: `Rule table ${version}` }).click();
  await expect(figures).toBeVisible();
  await about.getByRole('button', { name: `Approve: put rule table ${version} in force` }).click();
  await done(page, 'Approved');
  await page.goto(RULES);
  await expect(page.getByText(new RegExp(`^Rule table ${version} decides in US: proposed by`))).toBeVisible();
  await page.setViewportSize({ width: 360, height: 800 });
  await page.goto(here);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
});
