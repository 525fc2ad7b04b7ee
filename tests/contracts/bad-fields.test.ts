import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError, type FieldProblem } from '../../shared/domain/errors.ts';
import type { EventContract } from '../../shared/events/contract.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { CONTRACTS } from '../../shared/events/registry.ts';
import { golden } from './golden.ts';
import { fieldsOf, illTyped, outside, type SchemaField, valueAt, withValue } from './schema-fields.ts';

/** The bad fields that reading `data` names; empty where it is read. Also building it must refuse it in the same way. */
function problemsOf(contract: EventContract<unknown>, event: StreamEvent, data: unknown): readonly FieldProblem[] {
  const read = problemsIn(() => contract.parse({ ...event, data }));
  const built = problemsIn(() => contract.build(data, { producer: 'sink', time: 0 }));
  assert.deepEqual(built, read);
  return read;
}

function problemsIn(act: () => unknown): readonly FieldProblem[] {
  try {
    act();
    return [];
  } catch (error) {
    assert.ok(error instanceof AppError, `not an AppError: ${error}`);
    assert.equal(error.code, 'contract_mismatch');
    assert.ok(error.context.fields, 'the error names no fields');
    return error.context.fields;
  }
}

const textOf = ({ path }: SchemaField): string => path.join('.');

for (const contract of CONTRACTS) {
  const name = contract.type.slice('io.streamforge.'.length);
  const event = golden(name);
  const fields = fieldsOf(contract.schema);
  const isRefused = (field: SchemaField, value: unknown, what: string): void => {
    const found = problemsOf(contract, event, withValue(event.data, field.path, value));
    const paths = found.map(({ path }) => path);
    assert.ok(
      paths.some((path) => path === textOf(field) || path.startsWith(`${textOf(field)}.`)),
      `${textOf(field)} ${what}: refused for ${JSON.stringify(found)}`,
    );
    for (const { problem } of found) assert.ok(problem.length > 0 && problem.length < 200, problem);
  };

  describe(`${name}, bad fields`, () => {
    it('has every field of its schema in its golden file', () => {
      assert.ok(fields.length > 0);
      for (const field of fields) assert.notEqual(valueAt(event.data, field.path), undefined, textOf(field));
    });

    for (const field of fields.filter(({ path }) => typeof path.at(-1) === 'string')) {
      it(field.optional ? `does without ${textOf(field)}` : `refuses an event without ${textOf(field)}`, () => {
        if (!field.optional) isRefused(field, undefined, 'missing');
        else assert.deepEqual(problemsOf(contract, event, withValue(event.data, field.path, undefined)), []);
      });
    }

    for (const field of fields) {
      it(`refuses ${textOf(field)} that is null or ill-typed`, () => {
        isRefused(field, null, 'null');
        isRefused(field, illTyped(field.schema), 'ill-typed');
      });

      const cases = outside(field.schema, valueAt(event.data, field.path));
      if (cases.length > 0) {
        it(`refuses ${textOf(field)} that is ${cases.map((each) => each.name).join(', ')}`, () => {
          for (const each of cases) isRefused(field, each.value, each.name);
        });
      }
    }

    it('refuses data that is not an object, without repeating it', () => {
      for (const data of [null, 7, 'word', [], true]) {
        assert.deepEqual(
          problemsOf(contract, event, data).map(({ path }) => path),
          [''],
        );
      }
    });
  });
}

describe('what a refused field says', () => {
  const contract = CONTRACTS.find(({ type }) => type.endsWith('.shard-verified.v1'));
  assert.ok(contract);
  const event = golden('shard-verified.v1');
  const first = (path: readonly (string | number)[], value: unknown): FieldProblem | undefined =>
    problemsOf(contract, event, withValue(event.data, path, value))[0];

  it('names what is allowed', () => {
    assert.deepEqual(first(['verdict'], 'good'), { path: 'verdict', problem: 'is not allowed', allowed: 'persisted, short, failed' });
    assert.deepEqual(first(['try'], 5), { path: 'try', problem: 'is too large', allowed: 'at most 4' });
    assert.deepEqual(first(['try'], undefined), { path: 'try', problem: 'is missing', allowed: 'number' });
    assert.deepEqual(first(['series'], 'nowhere:X:candles'), {
      path: 'series',
      problem: 'is not a series',
      allowed: 'exchange:symbol:kind[:interval]',
    });
  });

  it('refuses a range that ends before it begins, in times and in ids', () => {
    assert.deepEqual(first(['missing', 0], { from: 10, to: 9 }), {
      path: 'missing.0.to',
      problem: 'lies before from',
      allowed: 'from or later',
    });
    assert.deepEqual(first(['missing', 0], { from: 1, to: 9, from_id: 7, to_id: 5 }), {
      path: 'missing.0.to_id',
      problem: 'lies before from_id',
      allowed: 'from_id - 1 or more',
    });
    assert.equal(first(['missing', 0], { from: 1, to: 9, from_id: 7, to_id: 6 }), undefined);
  });

  it('names every bad field of an event, in the order of the contract', () => {
    const data = withValue(withValue(event.data, ['try'], 0), ['absent', 0, 'evidence', 'grade'], null);

    const found = problemsOf(contract, event, data).map(({ path }) => path);

    assert.deepEqual(found, ['try', 'absent.0.evidence.grade']);
  });
});
