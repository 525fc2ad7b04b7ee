/** The style of `/docs`. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --ink: #1b2430; --dim: #5d6b7c; --line: #dde3ea; --card: #fff; --ground: #f5f7fa; --code: #eef2f6;
  --get: #0b7285; --post: #2b8a3e; --delete: #c92a2a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e9f0; --dim: #93a1b1; --line: #2c3642; --card: #171d24; --ground: #10151a; --code: #1f2730;
  --get: #3bc9db; --post: #69db7c; --delete: #ff8787; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 2rem 1.25rem 4rem; color: var(--ink); background: var(--ground); font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.75rem; letter-spacing: -.01em; }
h2 { margin: 2.25rem 0 .75rem; font-size: 1rem; color: var(--dim); text-transform: uppercase; letter-spacing: .08em; }
h3 { margin: 1rem 0 .35rem; font-size: .9rem; color: var(--dim); }
header p { margin: .25rem 0 1rem; color: var(--dim); }
input { width: 100%; padding: .6rem .8rem; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
details { margin: .5rem 0; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; }
summary { display: flex; flex-wrap: wrap; gap: .35rem .75rem; align-items: baseline; padding: .65rem .9rem; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary:focus-visible, input:focus-visible { outline: 2px solid var(--get); outline-offset: -2px; }
.method { min-width: 4.2rem; font: 700 .8rem ui-monospace, monospace; letter-spacing: .04em; color: var(--get); }
.method.post { color: var(--post); } .method.delete { color: var(--delete); }
.path { font: 600 .95rem ui-monospace, monospace; overflow-wrap: anywhere; }
.what { color: var(--dim); margin-left: auto; }
.body { padding: 0 .9rem .9rem; border-top: 1px solid var(--line); }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
td { padding: .3rem .6rem .3rem 0; vertical-align: top; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
td:first-child { font-family: ui-monospace, monospace; white-space: nowrap; }
pre { margin: .25rem 0; padding: .7rem .9rem; overflow-x: auto; background: var(--code); border-radius: .4rem; font: .82rem/1.45 ui-monospace, monospace; }
`;
