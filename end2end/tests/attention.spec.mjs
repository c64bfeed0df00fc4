// What asks for attention: the clock of exceptions, what people watch, and what they are told; all of it with links and forms.
import { expect, test } from '../fixtures.mjs';

const causes = (page) => page.getByRole('navigation', { name: 'Causes' }).getByRole('link');
const inbox = (page) => page.getByRole('link', { name: /^Inbox, / }).first();
const done = (page, text) => expect(page.getByRole('status').filter({ hasText: text }).first()).toBeVisible();

test('the queue says what is late and what will be, and leads to it', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/exceptions');
  const figures = page.getByRole('region', { name: 'Key figures' });
  await expect(figures.getByRole('link', { name: /^Late tonight, foreseen/ })).toContainText(/closed in \d+ working hours/);
  const late = figures.getByRole('link', { name: /^Past their time/ });
  const count = Number(await late.locator('data').first().getAttribute('value'));
  expect(count).toBeGreaterThan(0);
  await expectAccessible();
  await late.click();
  await expect(page).toHaveURL(/due=0/);
  await expect(page.getByLabel('Due', { exact: true })).toHaveValue('0');
  await expect(page.locator('tbody tr')).toHaveCount(Math.min(count, 50));
  await expect(page.locator('tbody tr').filter({ hasNotText: 'breached' })).toHaveCount(0);
});

test('a cause shows how it grew and what began it', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/exceptions');
  await expect(causes(page).nth(1)).toContainText(/opened a day over 14 days/);
  const changed = causes(page).filter({ hasText: 'Reference unknown in the ERP' }).first();
  await changed.click();
  await expect(page.getByText(/^Began with mapping item \w+ v2/)).toContainText('activated');
  await page.getByRole('link', { name: 'What would pass?' }).click();
  await expect(page.getByText(/would pass/).first()).toBeVisible();
  await expectAccessible();
});

test('one who watches is told what was said, and reads it', async ({ page, signIn, expectAccessible }, { project }) => {
  const word = `Seen by ${project.name}, @grace please decide.`;
  await signIn('ar_specialist');
  await page.goto('/exceptions');
  const exception = new URL(await page.getByRole('rowheader').getByRole('link').first().getAttribute('href'), page.url()).href;
  await page.goto(exception);
  await page.getByRole('button', { name: 'Watch', exact: true }).click();
  await done(page, 'You are told what happens to it');
  await expect(page.getByRole('button', { name: 'Watching' })).toHaveAttribute('aria-pressed', 'true');
  await page.getByLabel('Comment').fill(word);
  await page.getByRole('button', { name: 'Add comment' }).click();
  await done(page, 'Comment added, told to Grace Okafor');
  await page.getByRole('button', { name: 'Watching' }).click();
  await done(page, 'Not watched any more');

  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn('controller');
  await expect(inbox(page)).toHaveAccessibleName(/^Inbox, \d+\+? unread$/);
  await inbox(page).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Inbox' })).toBeVisible();
  const notice = page.getByRole('listitem').filter({ hasText: word });
  await expect(notice).toContainText('You were mentioned, by ');
  await expectAccessible();
  await notice.getByRole('button', { name: /^Mark as read/ }).click();
  await done(page, 'Read');
  await expect(notice.getByRole('button')).toHaveCount(0);
  await notice.getByRole('link').click();
  await expect(page).toHaveURL(exception);
  await inbox(page).click();
  const all = page.getByRole('button', { name: 'Mark all as read' });
  if (await all.isVisible()) await all.click();
  await expect(inbox(page)).toHaveAccessibleName('Inbox, nothing unread');
  await expectAccessible();
});
