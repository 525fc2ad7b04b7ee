import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from '../../../shared/cli/demo/free-ports.ts';
import { createCertificates } from './certificates.ts';
import { awaitBroker } from './metadata-probe.ts';
import { combinedSettings, JVM_FLAGS, type NodePorts } from './settings.ts';
import { USERS } from './users.ts';

const run = promisify(execFile);

export const KAFKA_VERSION = '4.3.1';

const POM = `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>kafka-test-broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/** What every broker of a run is started from: it stands in the user's cache directory and is made once. */
export interface Distribution {
  readonly classPath: string;
  /** Formatted, empty data folders of nodes 1 to 3 of one cluster, with the users in them. Copy, do not use. */
  readonly templates: string;
  /** Class-data archive: a broker starts in half the time with it. */
  readonly archive: string;
}

/** The distribution, made where it is missing. Throws what is not there: Java, Maven, or the registry. */
export async function prepareDistribution(): Promise<Distribution> {
  const home = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'streamforge', `kafka-${KAFKA_VERSION}`);
  await run('java', ['-version']);
  await mkdir(home, { recursive: true });
  const libs = join(home, 'libs');
  const classPath = join(libs, '*');
  await made(libs, async (dir) => {
    await writeFile(join(dir, 'pom.xml'), POM);
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=.', '-DincludeScope=runtime'], { cwd: dir });
  });
  const templates = join(home, 'templates');
  await made(templates, (dir) => formatNodes(classPath, dir));
  const archive = join(home, 'archive', 'kafka.jsa');
  await made(join(home, 'archive'), (dir) => recordClasses(classPath, join(templates, '1'), join(dir, 'kafka.jsa')));
  return { classPath, templates, archive };
}

/** Makes a folder beside its place and moves it there whole: what was interrupted is not taken for done, and two runs do not meet in it. */
async function made(place: string, make: (dir: string) => Promise<void>): Promise<void> {
  if (await exists(place)) return;
  const dir = await mkdtemp(`${place}-`);
  try {
    await make(dir);
    await rename(dir, place);
  } catch (error) {
    if (!(await exists(place))) throw error;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function formatNodes(classPath: string, dir: string): Promise<void> {
  const clusterId = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');
  const scram = Object.entries(USERS).flatMap(([name, password]) => [
    '--add-scram',
    `SCRAM-SHA-512=[name=${name},password=${password},iterations=4096]`,
  ]);
  const work = await mkdtemp(join(tmpdir(), 'streamforge-kafka-format-'));
  try {
    for (const node of [1, 2, 3]) {
      const settings = join(work, `${node}.properties`);
      const voters = '1@127.0.0.1:1,2@127.0.0.1:2,3@127.0.0.1:3';
      await writeFile(
        settings,
        `process.roles=broker,controller\nnode.id=${node}\ncontroller.quorum.voters=${voters}\nlisteners=PLAINTEXT://127.0.0.1:9,CONTROLLER://127.0.0.1:10\n` +
          `controller.listener.names=CONTROLLER\nlistener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\nlog.dirs=${join(dir, String(node))}\n`,
      );
      await run('java', [...JVM_FLAGS, '-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', settings, ...scram]);
    }
  } finally {
    await rm(work, { recursive: true });
  }
}

/** Runs a broker once to its end, so that the JVM writes down which classes it needed. */
async function recordClasses(classPath: string, template: string, archive: string): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-kafka-classes-'));
  try {
    const [plain = 0, secure = 0, controller = 0] = await freePorts(3);
    const ports: NodePorts = { plain, secure, controller };
    await cp(template, join(dir, 'data'), { recursive: true });
    const { serverPem } = await createCertificates(join(dir, 'certs'));
    await writeFile(join(dir, 'server.properties'), combinedSettings({ dir, ports, serverPem }));
    const child = spawn(
      'java',
      [...JVM_FLAGS, `-XX:ArchiveClassesAtExit=${archive}`, '-cp', classPath, 'kafka.Kafka', join(dir, 'server.properties')],
      { stdio: 'ignore' },
    );
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await awaitBroker(plain, { deadlineMs: 60_000 });
    child.kill('SIGTERM');
    await ended;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function exists(place: string): Promise<boolean> {
  const found = await stat(place).catch(() => undefined);
  return found !== undefined && (await readdir(place)).length > 0;
}
