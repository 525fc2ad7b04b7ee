// Loaded by --import into every process and thread of a mutant's run: plants one defect in one source file while it is being loaded.
import { registerHooks } from 'node:module';

const { url, find, replace } = JSON.parse(process.env.STREAMFORGE_MUTANT ?? '{}');
if (url !== undefined) {
  registerHooks({
    load(loaded, context, next) {
      const result = next(loaded, context);
      if (loaded !== url) return result;
      const source = Buffer.from(result.source).toString('utf8');
      return { ...result, source: source.replace(find, () => replace) };
    },
  });
}
