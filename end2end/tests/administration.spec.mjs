// What administrators do: roles that another one lets in, and the working time that the clock of exceptions goes by.
import { expect, test } from '../fixtures.mjs';

test('a role is given by one administrator and let in by another, who sees what is in conflict', async ({ page, signIn, expectAccessible }, { project }) => {
  const email = `kim-${project.name}@lumen.example`;
  const done = (text) => expect(page.getByRole('status').filter({ hasText: text })).toBeVisible();
  const become = async (role) => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(/\/login/);
    await signIn(role);
  };
  await signIn('admin');
  await page.goto('/users');
  await page.getByText('Add a person').click();
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Name', { exact: true }).fill(`Kim ${project.name}`);
  await page.getByLabel('First password').fill('a long first password');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByLabel('Controller in US').check();
  await page.getByLabel('Approver in US').check();
  await page.getByRole('button', { name: 'Save roles' }).click();
  await done('What was given waits for another administrator');
  const waiting = (role) => page.getByRole('table', { name: /^Roles/ }).getByRole('row').filter({ hasText: email }).filter({ hasText: role });
  await page.goto('/approvals');
  await expect(waiting('Controller').first()).toContainText('you gave it');
  await expect(page.getByRole('button', { name: `Approve Controller for ${email}` })).toBeDisabled();

  await become('second_admin');
  await page.getByRole('link', { name: /wait for your approval/ }).click();
  await expectAccessible();
  await page.getByRole('button', { name: `Approve Controller for ${email}` }).click();
  await done('Approved');
  await expect(waiting('Approver').first()).toContainText('Controller prepares what Approver approves');
  await page.getByRole('button', { name: `Refuse Approver for ${email}` }).click();
  await done('Refused');

  await page.goto('/users');
  await page.getByRole('row').filter({ hasText: email }).getByRole('link', { name: 'Change access' }).click();
  const review = page.getByRole('table', { name: 'Access review' }).locator('tbody tr');
  await expect(review).toHaveCount(1);
  await expect(review).toContainText('admin@lumen.example');
  await expect(review).toContainText('second-admin@lumen.example');
  await page.getByText('Add a person').click();
  await expectAccessible();
});

test('an administrator says when people of an entity work, and the clock follows', async ({ page, signIn, expectAccessible }) => {
  const done = (text) => expect(page.getByRole('status').filter({ hasText: text })).toBeVisible();
  await signIn('admin');
  await page.getByRole('link', { name: 'Working time' }).first().click();
  await expect(page.getByRole('row').filter({ hasText: 'Lumen Analytics K.K.' })).toContainText(/(open|closed) until/);
  await page.getByRole('link', { name: 'Calendar of JP' }).click();
  const form = page.locator('form').filter({ has: page.getByRole('button', { name: 'Save hours' }) });
  const hours = async (opens, closes) => {
    await form.getByLabel('Opens').fill(opens);
    await form.getByLabel('Closes').fill(closes);
    await form.getByRole('button', { name: 'Save hours' }).click();
  };
  await hours('18:00', '09:00');
  await expect(page.getByText('09:00 is not after 18:00')).toBeVisible();
  await hours('08:30', '17:00');
  await done('Working hours saved');
  await expect(page.getByRole('row').filter({ hasText: 'Lumen Analytics K.K.' })).toContainText('08:30 to 17:00');
  await page.getByLabel('Day off').fill('2030-01-01');
  await page.getByLabel('Name', { exact: true }).fill('New Year');
  await page.getByRole('button', { name: 'Add holiday' }).click();
  await done('Holiday saved');
  await expectAccessible();
  await page.getByRole('button', { name: 'Remove New Year on 2030-01-01' }).click();
  await done('No holiday any more');
  await hours('09:00', '17:00');
  await done('Working hours saved');
});
