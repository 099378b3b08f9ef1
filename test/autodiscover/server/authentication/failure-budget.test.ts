import assert from 'node:assert/strict';
import test from 'node:test';
import { FailureBudget } from '../../../../src/autodiscover/server/authentication/failure-budget.ts';

function budgetAt(windowFrom: 'first' | 'last', failures = 3, maxEntries = 100) {
  const clock = { now: 0 };
  return {
    clock,
    budget: new FailureBudget({ failures, windowMs: 1000, windowFrom, maxEntries, now: () => clock.now }),
  };
}

test('a key is spent after its failures, and free again when the window that began with the first is over', () => {
  const { clock, budget } = budgetAt('first');
  for (const at of [0, 400, 800]) {
    clock.now = at;
    assert.equal(budget.waitMs('alice'), 0);
    budget.spend('alice');
  }
  assert.equal(budget.waitMs('alice'), 200);
  assert.equal(budget.waitMs('bob'), 0);
  clock.now = 1000;
  assert.equal(budget.waitMs('alice'), 0);
  assert.equal(budget.remaining('alice'), 3);
});

test('counting from the last failure forgets only after a whole quiet window, as a domain controller does', () => {
  const { clock, budget } = budgetAt('last');
  for (const at of [0, 900, 1800]) {
    clock.now = at;
    budget.spend('alice');
  }
  assert.equal(budget.waitMs('alice'), 1000);
  clock.now = 2799;
  assert.equal(budget.waitMs('alice'), 1);
  clock.now = 2800;
  assert.equal(budget.remaining('alice'), 3);
});

test('a success clears, and another allowance may be asked for', () => {
  const { budget } = budgetAt('first');
  for (let i = 0; i < 3; i++) budget.spend('alice');
  assert.equal(budget.waitMs('alice', 4), 0);
  assert.equal(budget.remaining('alice', 4), 1);
  budget.clear('alice');
  assert.equal(budget.waitMs('alice'), 0);
});

test('a million names are counted in bounded space, and the one that goes on failing is not forgotten', () => {
  const { budget } = budgetAt('first', 1_000_000, 1000);
  for (let n = 0; n < 1_000_000; n++) {
    budget.spend(`name${n}`);
    if (n % 400 === 0) budget.spend('alice');
    assert.ok(budget.size <= 1000);
  }
  assert.equal(budget.remaining('alice'), 1_000_000 - 2500);
});
