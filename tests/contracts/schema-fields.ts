import { z } from 'zod';

/** One field of a schema, found by walking it: nobody lists fields by hand. */
export interface SchemaField {
  /** Steps from the data down; `0` stands for the first element of a list. */
  readonly path: readonly (string | number)[];
  readonly optional: boolean;
  readonly schema: z.core.$ZodType;
}

/** Every field of `schema` at every depth, in the order of the schema. */
export function fieldsOf(schema: z.core.$ZodType, path: readonly (string | number)[] = []): SchemaField[] {
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape as Record<string, z.core.$ZodType>).flatMap(([name, field]) => {
      const optional = field instanceof z.ZodExactOptional;
      const inner = optional ? field.unwrap() : field;
      const here = [...path, name];
      return [{ path: here, optional, schema: inner }, ...fieldsOf(inner, here)];
    });
  }
  if (schema instanceof z.ZodArray) return elementOf(schema.element, [...path, 0]);
  if (schema instanceof z.ZodTuple) return schema._zod.def.items.flatMap((item, index) => elementOf(item, [...path, index]));
  return [];
}

/** A list's element is a field too: it cannot be missing, but it can be null, of another type or out of range. */
function elementOf(schema: z.core.$ZodType, path: readonly (string | number)[]): SchemaField[] {
  return [{ path, optional: true, schema }, ...fieldsOf(schema, path)];
}

/** The value at `path`. */
export function valueAt(data: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, step) => (value as Record<string | number, unknown> | undefined)?.[step], data);
}

/** A copy of `data` with the value at `path` replaced, or taken out where `value` is undefined. */
export function withValue(data: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const copy = structuredClone(data);
  const parent = valueAt(copy, path.slice(0, -1)) as Record<string | number, unknown>;
  const last = path.at(-1) as string | number;
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

/** A value of a type that `schema` does not take. */
export function illTyped(schema: z.core.$ZodType): unknown {
  if (schema instanceof z.ZodString || schema instanceof z.ZodEnum) return 7;
  if (schema instanceof z.ZodNumber) return 'seven';
  if (schema instanceof z.ZodBoolean) return 'true';
  return 'a word';
}

/** Values just outside of what `schema` takes: too long, too short, too large, too small, a fraction, not of the set; with a name for each. */
export function outside(schema: z.core.$ZodType, good: unknown): { readonly name: string; readonly value: unknown }[] {
  if (schema instanceof z.ZodString) {
    return [{ name: 'too long', value: 'x'.repeat(5_000) }, ...(schema.safeParse('').success ? [] : [{ name: 'empty', value: '' }])];
  }
  if (schema instanceof z.ZodNumber) {
    const { minValue, maxValue } = schema;
    return [
      ...(minValue === null || minValue <= Number.MIN_SAFE_INTEGER ? [] : [{ name: 'too small', value: minValue - 1 }]),
      ...(maxValue === null ? [] : [{ name: 'too large', value: maxValue === Number.MAX_SAFE_INTEGER ? maxValue + 1 : maxValue * 2 + 1 }]),
      ...(schema.safeParse(0.5).success || schema.safeParse(1.5).success ? [] : [{ name: 'a fraction', value: 1.5 }]),
    ];
  }
  if (schema instanceof z.ZodArray) {
    const [element] = good as readonly unknown[];
    return [{ name: 'too long', value: Array.from({ length: 10_001 }, () => structuredClone(element)) }];
  }
  if (schema instanceof z.ZodEnum) return [{ name: 'not of the set', value: 'x'.repeat(5_000) }];
  return [];
}
