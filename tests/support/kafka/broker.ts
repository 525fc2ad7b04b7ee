import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../../shared/cli/demo/free-ports.ts';
import { createCertificates } from './certificates.ts';
import { prepareDistribution } from './distribution.ts';
import { NodeProcess } from './node-process.ts';
import { clusterSettings, combinedSettings, type NodePorts } from './settings.ts';

/** Where the broker of a test run is; travels as JSON. */
export interface BrokerAddress {
  /** `host:port` of the PLAINTEXT listener: whoever comes is a super user. */
  readonly plain: string;
  /** `host:port` of the SASL_SSL listener. */
  readonly secure: string;
  readonly caPath: string;
}

/** One broker of our own. */
export interface TestBroker {
  readonly address: BrokerAddress;
  readonly node: NodeProcess;
  /** Ends the broker and removes its data. */
  remove(): Promise<void>;
}

/** Starts one broker on free ports, ready to serve. */
export async function startBroker(): Promise<TestBroker> {
  const distribution = await prepareDistribution();
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-kafka-'));
  const [plain = 0, secure = 0, controller = 0] = await freePorts(3);
  const { caPath, serverPem } = await createCertificates(join(dir, 'certs'));
  await cp(join(distribution.templates, '1'), join(dir, 'data'), { recursive: true });
  await writeFile(join(dir, 'server.properties'), combinedSettings({ dir, ports: { plain, secure, controller }, serverPem }));
  const node = new NodeProcess(distribution, dir, plain);
  const remove = async (): Promise<void> => {
    await node.end();
    await rm(dir, { recursive: true, force: true });
  };
  try {
    await node.start();
    await node.ready();
  } catch (error) {
    await remove();
    throw error;
  }
  return { address: { plain: `127.0.0.1:${plain}`, secure: `127.0.0.1:${secure}`, caPath }, node, remove };
}

/** Three brokers that replicate each other: `nodes[0]` is node 1. */
export interface TestCluster {
  readonly bootstrapServers: string;
  readonly nodes: readonly NodeProcess[];
  remove(): Promise<void>;
}

/** Starts three brokers: replication factor 3, two in sync. */
export async function startCluster(): Promise<TestCluster> {
  const distribution = await prepareDistribution();
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-kafka3-'));
  const free = await freePorts(6);
  const ports = [0, 2, 4].map((at): NodePorts => ({ plain: free[at] ?? 0, controller: free[at + 1] ?? 0, secure: 0 }));
  const nodes = ports.map(({ plain }, index) => new NodeProcess(distribution, join(dir, String(index + 1)), plain, dir));
  const remove = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.end()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    for (const [index, node] of nodes.entries()) {
      await cp(join(distribution.templates, String(index + 1)), join(node.dir, 'data'), { recursive: true });
      await writeFile(join(node.dir, 'server.properties'), clusterSettings(index + 1, node.dir, ports));
      await node.start();
    }
    await Promise.all(nodes.map((node) => node.ready(3)));
  } catch (error) {
    await remove();
    throw error;
  }
  return { bootstrapServers: ports.map(({ plain }) => `127.0.0.1:${plain}`).join(','), nodes, remove };
}
