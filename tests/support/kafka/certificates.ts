import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openssl = (args: readonly string[], cwd: string) => promisify(execFile)('openssl', [...args], { cwd });
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** An authority of our own and a certificate of 127.0.0.1 and localhost that it signed; PEM, by openssl. */
export async function createCertificates(dir: string): Promise<{ readonly caPath: string; readonly serverPem: string }> {
  await mkdir(dir, { recursive: true });
  await openssl(['req', '-x509', ...NEW_KEY, '-days', '30', '-subj', '/CN=test-ca', '-keyout', 'ca.key', '-out', 'ca.pem'], dir);
  await openssl(['req', ...NEW_KEY, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr'], dir);
  await writeFile(join(dir, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1');
  const sign = ['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30'];
  await openssl([...sign, '-out', 'server.crt', '-extfile', 'names'], dir);
  const { stdout: key } = await openssl(['pkcs8', '-topk8', '-nocrypt', '-in', 'server.key'], dir);
  const [certificate, authority] = await Promise.all(['server.crt', 'ca.pem'].map((name) => readFile(join(dir, name), 'utf8')));
  const serverPem = join(dir, 'server.pem');
  await writeFile(serverPem, `${key}${certificate}${authority}`);
  return { caPath: join(dir, 'ca.pem'), serverPem };
}
