import { AppError } from '../../domain/errors.ts';
import type { MountedRoute } from './mounted-route.ts';
import { HttpRefusal } from './problem.ts';

interface Compiled {
  readonly route: MountedRoute;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

/** Finds the route of a request. */
export interface Router {
  readonly routes: readonly MountedRoute[];
  /** HEAD is served by GET. Throws 404 `not_found`, 405 with `Allow`, 400 for a path that is not percent-encoded text. */
  find(method: string, path: string): { readonly route: MountedRoute; readonly params: Readonly<Record<string, string>> };
}

/** Compiles routes; a literal segment is preferred to a parameter. Throws `invalid_setting` for two routes of one method and path. */
export function createRouter(routes: readonly MountedRoute[]): Router {
  const seen = new Map<string, MountedRoute>();
  for (const route of routes) {
    const key = `${route.method} ${route.path.replace(/\{[^}]*\}/g, '{}')}`;
    const other = seen.get(key);
    if (other !== undefined) {
      throw new AppError(
        'invalid_setting',
        `${route.method} ${route.path} is a route of ${other.functionName} and of ${route.functionName}.`,
      );
    }
    seen.set(key, route);
  }
  const compiled = [...routes].sort((a, b) => rankOf(a.path).localeCompare(rankOf(b.path))).map(compile);

  return {
    routes,
    find(method, path) {
      const wanted = method === 'HEAD' ? 'GET' : method;
      const allowed = new Set<string>();
      for (const { route, pattern, names } of compiled) {
        const match = pattern.exec(path);
        if (match === null) continue;
        if (route.method !== wanted) {
          allowed.add(route.method);
          continue;
        }
        return { route, params: Object.fromEntries(names.map((name, index) => [name, decode(name, match[index + 1] ?? '')])) };
      }
      if (allowed.size === 0) throw new AppError('not_found', `There is nothing at ${path.slice(0, 200)}; GET /docs shows what there is.`);
      if (allowed.has('GET')) allowed.add('HEAD');
      const allow = [...allowed].sort().join(', ');
      const error = new AppError('invalid_request', `${method} is not served at ${path.slice(0, 200)}; allowed: ${allow}.`);
      throw new HttpRefusal(405, error, { allow });
    },
  };
}

function compile(route: MountedRoute): Compiled {
  const names: string[] = [];
  const source = route.path
    .split('/')
    .map((segment) => {
      const name = /^\{(\w+)\}$/.exec(segment)?.[1];
      if (name === undefined) return segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      names.push(name);
      return '([^/]+)';
    })
    .join('/');
  return { route, pattern: new RegExp(`^${source}$`), names };
}

/** Sorts literal segments before parameters, segment by segment. */
function rankOf(path: string): string {
  return path
    .split('/')
    .map((segment) => (segment.startsWith('{') ? '1' : '0'))
    .join('');
}

function decode(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    const fields = [{ path: name, problem: 'is not percent-encoded UTF-8' }];
    throw new AppError('invalid_request', `The path parameter ${name} cannot be read.`, { fields });
  }
}
