import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import { AppError } from '../domain/errors.ts';
import { RELATIONS } from '../domain/graph/graph.ts';
import { createLinear } from './models/linear.ts';
import { type Model, readWeights, writeWeights } from './models/model.ts';
import { createRsage } from './models/rsage.ts';

/** Sizes of the model in `model.json`: enough to build it again. */
export interface Architecture {
  readonly kind: 'rsage' | 'sgc';
  readonly features: number;
  readonly relations: readonly string[];
  readonly classes: number;
  readonly hidden: number;
  readonly layers: number;
  readonly wide: boolean;
  readonly dropout: number;
  /** Models whose probabilities are averaged, one a seed; their weights are named `<member>/…`. */
  readonly members: number;
}

/** `model.json`. `weight_specs` are those of `tf.io.decodeWeights` over `weights.bin`. */
export interface ModelJson {
  readonly format: 'gnn-tfjs/1';
  readonly arch: Architecture;
  readonly weight_specs: readonly { readonly name: string; readonly shape: readonly number[]; readonly dtype: 'float32' }[];
  /** SHA-256 of `weights.bin`, lower-case hex. */
  readonly weights_sha256: string;
}

export interface Artefact {
  readonly weights: Uint8Array;
  readonly model: ModelJson;
}

/** A fresh member of an architecture. */
export function createMember(arch: Architecture, seed: number): Model {
  const relations = arch.relations.length;
  if (arch.kind === 'sgc') return createLinear((relations + 1) * arch.features, arch.classes);
  return createRsage({ ...arch, relations }, seed);
}

/** The members' weights as bytes and their description. The same weights give the same bytes. */
export async function encodeArtefact(arch: Architecture, members: readonly Model[]): Promise<Artefact> {
  const named = members.flatMap((member, m) =>
    readWeights(member).map((values, k) => ({
      name: `${m}/${member.names[k]}`,
      tensor: tf.tensor(values, (member.variables[k] as tf.Variable).shape),
    })),
  );
  const { data, specs } = await tf.io.encodeWeights(named);
  for (const { tensor } of named) tensor.dispose();
  const weights = new Uint8Array(data as ArrayBuffer);
  return {
    weights,
    model: {
      format: 'gnn-tfjs/1',
      arch,
      weight_specs: specs.map(({ name, shape }) => ({ name, shape, dtype: 'float32' as const })),
      weights_sha256: createHash('sha256').update(weights).digest('hex'),
    },
  };
}

/** The members again. Throws `contract_mismatch` where bytes and description do not belong together, or the relations are not ours. */
export function decodeArtefact({ weights, model }: Artefact): Model[] {
  const problem = problemOf(weights, model);
  if (problem !== undefined) throw new AppError('contract_mismatch', `The model cannot be read: ${problem}.`);
  const decoded = tf.io.decodeWeights(
    weights.slice().buffer,
    model.weight_specs.map(({ name, shape, dtype }) => ({ name, shape: [...shape], dtype })),
  );
  const members = Array.from({ length: model.arch.members }, (_, m) => {
    const member = createMember(model.arch, 0);
    writeWeights(
      member,
      member.names.map((name) => (decoded[`${m}/${name}`] as tf.Tensor).dataSync() as Float32Array),
    );
    return member;
  });
  tf.dispose(decoded);
  return members;
}

function problemOf(weights: Uint8Array, model: ModelJson): string | undefined {
  if (model.format !== 'gnn-tfjs/1') return `its format is ${JSON.stringify(model.format)}`;
  if (createHash('sha256').update(weights).digest('hex') !== model.weights_sha256) return 'the checksum of its weights differs';
  if (model.arch.relations.join() !== RELATIONS.join()) return `its relations are ${model.arch.relations.join(', ')}`;
  return undefined;
}
