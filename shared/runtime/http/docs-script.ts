/** The script of `/docs`, as the browser runs it. Everything shown is set as text: a description cannot become markup. */
export const DOCS_SCRIPT = `
const make = (tag, className, text) => Object.assign(document.createElement(tag), className ? { className } : {}, text === undefined ? {} : { textContent: text });
const typeOf = (schema) => {
  if (!schema) return '';
  if (schema.enum) return schema.enum.join(' | ');
  if ('const' in schema) return JSON.stringify(schema.const);
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return either.map(typeOf).join(' | ');
  if (schema.type === 'array') return (typeOf(schema.items) || 'any') + '[]';
  const limits = [];
  if (schema.minimum !== undefined && schema.minimum > Number.MIN_SAFE_INTEGER) limits.push('>= ' + schema.minimum);
  if (schema.maximum !== undefined && schema.maximum < Number.MAX_SAFE_INTEGER) limits.push('<= ' + schema.maximum);
  if (schema.maxLength !== undefined) limits.push('up to ' + schema.maxLength + ' characters');
  if (schema.pattern) limits.push(schema.pattern);
  if (schema.default !== undefined) limits.push('default ' + JSON.stringify(schema.default));
  return [schema.type ?? 'any', ...limits].join(', ');
};
const table = (rows) => {
  const element = make('table');
  for (const row of rows) element.append(row.reduce((tr, cell) => (tr.append(make('td', '', cell)), tr), make('tr')));
  return element;
};
const showSchema = (schema) => {
  const shown = make('div');
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length > 0) shown.append(table(fields.map(([name, field]) => [name, typeOf(field), (required.has(name) ? 'required. ' : '') + (field.description ?? '')])));
  const whole = make('details');
  whole.append(make('summary', 'what', 'JSON Schema'), make('pre', '', JSON.stringify(schema, null, 2)));
  shown.append(whole);
  return shown;
};
const section = (parent, title, child) => parent.append(make('h3', '', title), child);
const showRoute = (path, method, operation) => {
  const element = make('details');
  element.dataset.text = (method + ' ' + path + ' ' + (operation.summary ?? '')).toLowerCase();
  const head = make('summary');
  head.append(make('span', 'method ' + method, method.toUpperCase()), make('span', 'path', path), make('span', 'what', operation.summary ?? ''));
  const body = make('div', 'body');
  if (operation.description) body.append(make('p', '', operation.description));
  if (operation.parameters) section(body, 'Parameters', table(operation.parameters.map((p) => [p.name, p.in, typeOf(p.schema), (p.required ? 'required. ' : '') + (p.description ?? '')])));
  const input = operation.requestBody?.content?.['application/json']?.schema;
  if (input) section(body, 'Body', showSchema(input));
  for (const [status, response] of Object.entries(operation.responses)) {
    const [type, content] = Object.entries(response.content ?? {})[0] ?? [];
    section(body, status + ' ' + response.description + (type ? ' (' + type + ')' : ''), content?.schema?.properties ? showSchema(content.schema) : make('span'));
  }
  element.append(head, body);
  return element;
};
const show = (api) => {
  document.title = api.info.title;
  document.getElementById('title').textContent = api.info.title + ' ' + api.info.version;
  document.getElementById('about').textContent = api.info.description;
  const main = document.getElementById('routes');
  main.replaceChildren();
  for (const { name } of api.tags) {
    const group = make('section');
    group.append(make('h2', '', name));
    for (const [path, item] of Object.entries(api.paths))
      for (const [method, operation] of Object.entries(item)) if (operation.tags.includes(name)) group.append(showRoute(path, method, operation));
    main.append(group);
  }
};
document.getElementById('filter').addEventListener('input', ({ target }) => {
  const wanted = target.value.trim().toLowerCase();
  for (const route of document.querySelectorAll('details[data-text]')) route.hidden = !route.dataset.text.includes(wanted);
  for (const group of document.querySelectorAll('section')) group.hidden = !group.querySelector('details[data-text]:not([hidden])');
});
fetch('/openapi.json').then((answer) => answer.json()).then(show, (error) => {
  document.getElementById('routes').textContent = 'The description could not be read: ' + error.message;
});
`;
