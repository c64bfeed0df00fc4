import { expect, test } from '../fixtures.mjs';

test('the sign-in page asks for email and password', async ({ page, expectAccessible }) => {
  await page.goto('/login');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(page.getByLabel('E-mail')).toBeVisible();
  await expect(page.getByLabel('Password')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await expectAccessible();
});

test('whoever is not signed in is sent to the sign-in page', async ({ page }) => {
  await page.goto('/exceptions');
  await expect(page).toHaveURL(/\/login/);
});

test('a controller signs in', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await expect(page.getByRole('navigation').first()).toBeVisible();
  await expectAccessible();
});
