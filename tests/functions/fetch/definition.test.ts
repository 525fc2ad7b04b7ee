import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settings } from '../../../functions/fetch/config.ts';
import definition from '../../../functions/fetch/function.ts';
import { definitionProblems } from '../../../shared/runtime/definition-problems.ts';
import { parseSettings } from '../../../shared/runtime/settings.ts';

test('the definition contradicts itself nowhere, and its module has the handler that it names', async () => {
  assert.deepEqual(definitionProblems(definition), []);
  assert.equal(typeof (await definition.load()).handle, 'function');
});

test('a lease is 60 seconds unless the settings say otherwise', () => {
  assert.deepEqual(parseSettings({ fetch: settings }, {}).fetch, { leaseSeconds: 60 });
  assert.throws(() => parseSettings({ fetch: settings }, { FETCH_LEASE_SECONDS: '1' }), { code: 'invalid_setting' });
});
