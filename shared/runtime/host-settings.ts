import { AppError } from '../domain/errors.ts';
import type { FunctionDefinition } from './define-function.ts';
import { type PlatformSettings, platformSettings } from './platform-settings.ts';
import { type Environment, parseSettings } from './settings.ts';
import type { Config } from './start-function.ts';

/** The settings of a process: the platform's, and each function's by its name. */
export interface ProcessSettings {
  readonly platform: PlatformSettings;
  readonly configs: Readonly<Record<string, Config>>;
}

/**
 * Reads them all at once, so that one error names every problem. What the caller says wins over the environment. Throws `missing_setting`,
 * `invalid_setting`; `not_yet_supported` for OIDC.
 */
export function readSettings(
  functions: readonly FunctionDefinition[],
  env: Environment,
  given: { readonly port?: number; readonly dataDir?: string } = {},
): ProcessSettings {
  const tables = Object.fromEntries(functions.map(({ name, settings }) => [`function ${name}`, settings]));
  const parsed = parseSettings({ ...tables, platform: platformSettings }, env);
  const { oidcIssuer, oidcAudience } = parsed.platform;
  if (oidcIssuer !== undefined || oidcAudience !== undefined) {
    throw new AppError(
      'not_yet_supported',
      'OIDC_ISSUER, OIDC_AUDIENCE: tokens of an issuer are not checked yet. Unset them and use API_TOKEN_FILE.',
    );
  }
  return {
    platform: {
      ...parsed.platform,
      ...(given.port === undefined ? {} : { port: given.port }),
      ...(given.dataDir === undefined ? {} : { dataDir: given.dataDir }),
    },
    configs: Object.fromEntries(
      functions.map(({ name }) => [name, (parsed as Record<string, Record<string, unknown>>)[`function ${name}`] ?? {}]),
    ),
  };
}
