import { createHash } from 'node:crypto';
import type { HttpResponse } from '../define-function.ts';
import { DOCS_SCRIPT } from './docs-script.ts';
import { DOCS_STYLE } from './docs-style.ts';

/** The page of `/docs`: reads `/openapi.json` and shows it. Whole in itself: it loads nothing from elsewhere, and its policy forbids it to. */
export function docsPage(): HttpResponse {
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; connect-src 'self'; script-src '${hashOf(DOCS_SCRIPT)}'; style-src '${hashOf(DOCS_STYLE)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'referrer-policy': 'no-referrer',
    },
    text: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>StreamForge API</title>
<style>${DOCS_STYLE}</style>
</head>
<body>
<header><h1 id="title">StreamForge API</h1><p id="about"></p><input id="filter" type="search" placeholder="Filter by path or text" aria-label="Filter"></header>
<main id="routes" aria-live="polite"><p>Reading <a href="/openapi.json">/openapi.json</a> …</p></main>
<script>${DOCS_SCRIPT}</script>
</body>
</html>
`,
  };
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
