import type { RestClient } from './rest-client.ts';
import type { SymbolDirectory } from './symbol-directory.ts';

/** What reading history needs: requests, and which symbols are traded. */
export interface Reader {
  readonly client: RestClient;
  readonly symbols: SymbolDirectory;
}
