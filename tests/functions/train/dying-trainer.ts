// A trainer that dies at once, with last words.
process.stderr.write('no room left', () => process.exit(3));
