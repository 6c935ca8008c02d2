// The dashboard: asks the API every two seconds and draws what it says. It only reads.
//
// Whatever comes from the balancer is set as text, never as markup: a client chooses its own
// server name, and that name is shown here.
//
// SPDX-License-Identifier: Apache-2.0
'use strict';

const kInterval = 2000;
const kTimeout = 8000;
const kEvents = 30;
const kSessions = 50;
const kHistory = 64;

const byId = (id) => document.getElementById(id);

// An element with attributes and children; a child that is no element becomes text.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  for (const child of children) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

function duration(seconds) {
  if (seconds === null) return '';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'm'], [1, 's']];
  let left = Math.floor(seconds);
  const words = [];
  for (const [size, unit] of parts) {
    if (left >= size && words.length < 2) words.push(`${Math.floor(left / size)}${unit}`);
    left %= size;
  }
  return words.join(' ');
}

function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = count;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    ++unit;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

const badge = (text, kind) => make('span', {class: `badge ${kind}`}, text);
const sub = (text) => make('span', {class: 'sub'}, text);

// columns: [title, class, cell(row)]; a cell is a text, an element or a list of both.
function table(caption, columns, rows) {
  const head = make('tr');
  for (const [title, kind] of columns) head.append(make('th', {scope: 'col', class: kind}, title));
  const body = make('tbody');
  for (const row of rows) {
    const line = make('tr');
    for (const [title, kind, cell] of columns) {
      const content = make('div', {}, ...[cell(row)].flat());
      line.append(make('td', {'class': kind, 'data-label': title}, content));
    }
    body.append(line);
  }
  const out = make('table', {'class': 'rows', 'aria-label': caption}, make('thead', {}, head), body);
  return make('div', {class: 'scroll'}, out);
}

const empty = (text) => make('p', {class: 'empty'}, text);

// The last probe answers, oldest at the left; a bad one is taller as well as red.
function history(bits) {
  const ns = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(ns, 'svg');
  const good = [...bits].filter((bit) => bit === '1').length;
  const label = bits === '' ? 'no probe has ended yet'
                            : `the last ${bits.length} probes: ${good} good, ${bits.length - good} bad`;
  svg.setAttribute('class', 'history');
  svg.setAttribute('viewBox', `0 0 ${kHistory * 3} 18`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  const title = document.createElementNS(ns, 'title');
  title.textContent = label;
  svg.append(title);
  for (const [at, bit] of [...bits.padStart(kHistory, ' ')].entries()) {
    const cell = document.createElementNS(ns, 'rect');
    const height = bit === '0' ? 16 : bit === '1' ? 9 : 3;
    cell.setAttribute('class', bit === '0' ? 'bad' : bit === '1' ? 'good' : 'none');
    cell.setAttribute('x', at * 3);
    cell.setAttribute('y', 17 - height);
    cell.setAttribute('width', 2);
    cell.setAttribute('height', height);
    svg.append(cell);
  }
  return svg;
}

function health(backend) {
  if (backend.removed) return '\u2013';
  const kinds = {up: ['\u25B2 up', 'good'], down: ['\u25BC down', 'bad']};
  const shown = badge(...(kinds[backend.health] || ['? unknown', '']));
  if (!backend.ejection) return shown;
  return [shown, sub(`ejected (${backend.ejection.signal}), back at ${backend.ejection.until}`)];
}

function adminState(backend) {
  if (backend.admin === 'active' && !backend.drain) return 'active';
  const out = [badge(backend.removed ? 'removed, draining' : backend.admin, 'warn')];
  if (backend.drain) out.push(sub(drainText(backend.drain)));
  return out;
}

function drainText(drain) {
  const until = (time) => time ? (Date.parse(time) - Date.now()) / 1000 : null;
  const begins = until(drain.begins);
  if (begins !== null && begins > 0) return `drain begins in ${duration(begins)}`;
  const left = `${drain.cause === 'down' ? 'drained, ' : ''}${drain.remaining} left`;
  const closed = until(drain.deadline);
  if (closed !== null) return `${left}, closed in ${duration(Math.max(0, closed))}`;
  const end = until(drain.estimated_end);
  return end === null ? left : `${left}, empty in about ${duration(Math.max(0, end))}`;
}

function lastProbe(backend) {
  const probe = backend.probe;
  if (probe.kind === 'none') return 'not probed';
  if (!probe.answered) return 'none yet';
  const took = `${probe.outcome}, ${duration(probe.took_seconds)}`;
  const more = [probe.detail, probe.hint, probe.server].filter((text) => text);
  return [took, ...more.map((text) => sub(text))];
}

function certificate(backend) {
  if (!backend.certificate) return '\u2013';
  const days = Math.floor((Date.parse(backend.certificate.not_after) - Date.now()) / 86400000);
  // What is trouble the balancer knows: certificate_warn is each pool's own.
  const findings = backend.certificate.findings;
  const trouble = Object.keys(findings).length > 0;
  const bad = days < 0 || 'expired' in findings || 'revoked' in findings;
  const text = days < 0 ? 'expired' : `${days} days${trouble ? ' !' : ''}`;
  const shown = make('span', {class: bad ? 'bad-text' : trouble ? 'warn-text' : '',
                              title: certificateFacts(backend.certificate)}, text);
  const more = [];
  if ('revoked' in findings) more.push('revoked');
  if ('not_yet_valid' in findings) more.push(`not valid yet: ${findings.not_yet_valid}`);
  if ('names' in findings) more.push(`not for ${findings.names}`);
  return [shown, ...more.map((line) => sub(line))];
}

// For who points at it: a line for each.
function certificateFacts(shown) {
  const changes = shown.changes === 1 ? 'changed once' : `changed ${shown.changes} times`;
  return [
    `until ${shown.not_after}`,
    `issued by ${shown.issuer}`,
    shown.verified ? 'chain leads to a trusted root' : `chain not verified: ${shown.verify_error}`,
    shown.ocsp ? `stapled OCSP: ${shown.ocsp}` : 'no stapled OCSP',
    shown.changes ? `${changes} since the balancer runs` : 'not changed since the balancer runs',
  ].join('\n');
}

const backendColumns = [
  ['Backend', '', (b) => [make('span', {class: 'name'}, b.name), b.added ? sub('added by command') : null,
                          make('span', {class: 'sub mono'}, b.address)]],
  ['Health', '', health],
  ['Admin state', '', adminState],
  ['Sessions', 'number', (b) => b.max_sessions ? `${b.sessions_active} of ${b.max_sessions}` : `${b.sessions_active}`],
  ['Weight', 'number', (b) => `${b.weight}`],
  ['Last probe', '', lastProbe],
  ['Last 64 probes', '', (b) => history(b.probe.history)],
  ['Certificate', '', certificate],
];

function drawPools(pools) {
  byId('pools').replaceChildren(...pools.map((pool) => {
    const ready = pool.backends.filter((b) => b.ready).length;
    const all = pool.backends.filter((b) => !b.removed).length;
    const facts = pool.removed ? ['removed'] : [pool.balance, `${ready} of ${all} ready`];
    if (pool.certificate_mismatch) facts.push('certificates differ');
    if (!pool.removed && pool.proxy_protocol !== 'none') facts.push(`PROXY ${pool.proxy_protocol}`);
    if (pool.balance === 'source-ip') facts.push(`${pool.affinity_entries} clients remembered`);
    const title = make('h2', {}, `Pool ${pool.name} `, make('span', {class: 'quiet'}, facts.join(' \u00B7 ')));
    const content = pool.backends.length ? table(`Backends of pool ${pool.name}`, backendColumns, pool.backends)
                                         : empty('This pool has no backends.');
    return make('section', {}, title, content);
  }));
}

function drawStatus(status) {
  const badgeElement = byId('readiness');
  const [text, kind] = status.stopping ? ['stopping', 'warn']
      : status.drain ? [`draining (${drainText(status.drain)})`, 'warn']
      : status.ready ? ['ready', 'good'] : [`not ready: ${status.not_ready || 'unknown'}`, 'bad'];
  badgeElement.className = `badge ${kind}`;
  if (badgeElement.textContent !== text) badgeElement.textContent = text;
  const facts = [
    ['version', status.version],
    ['up', duration(status.uptime_seconds)],
    ['sessions', status.max_sessions ? `${status.sessions_active} of ${status.max_sessions}` : `${status.sessions_active}`],
    ['workers', `${status.workers}`],
    ['open files', `${status.open_files} of ${status.open_files_limit}`],
  ];
  byId('facts').replaceChildren(...facts.map(
      ([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))));
  document.title = `${status.ready ? '' : '! '}sstplb \u00B7 ${status.sessions_active} sessions`;
  byId('listeners').replaceChildren(table('Listeners', [
    ['Listener', 'name', (l) => l.name],
    ['Addresses', 'mono', (l) => l.bind.join(', ')],
    ['Default pool', '', (l) => l.pool],
    ['Routes', 'number', (l) => `${l.routes}`],
    ['Sessions', 'number', (l) => `${l.sessions_active}`],
  ], status.listeners));
  drawPools(status.pools);
}

function drawEvents(events) {
  const columns = [
    ['Time', 'mono', (e) => make('time', {datetime: e.time, title: e.time}, new Date(e.time).toLocaleTimeString())],
    ['Level', '', (e) => e.level === 'info' || e.level === 'debug' ? e.level
        : badge(e.level, e.level === 'error' ? 'bad' : 'warn')],
    ['Event', 'name', (e) => e.what],
    ['Evidence', 'mono', (e) => Object.entries(e.fields).map(([k, v]) => `${k}=${v}`).join(' ')],
  ];
  const newest = events.slice(-kEvents).reverse();
  byId('events').replaceChildren(newest.length ? table('Events, newest first', columns, newest)
                                               : empty('Nothing has happened yet.'));
}

function drawSessions(page) {
  const columns = [
    ['Id', 'mono', (s) => s.id],
    ['Client', 'mono', (s) => s.client],
    ['Server name', '', (s) => s.sni === null ? '\u2013' : s.sni],
    ['Backend', '', (s) => s.backend === null ? '\u2013' : `${s.pool}/${s.backend}`],
    ['Phase', '', (s) => s.phase],
    ['Age', 'number', (s) => duration(s.age_seconds)],
    ['Idle', 'number', (s) => duration(s.idle_seconds)],
    ['To backend', 'number', (s) => bytes(s.to_backend_bytes)],
    ['To client', 'number', (s) => bytes(s.to_client_bytes)],
  ];
  const shown = page.sessions.length;
  byId('sessions-note').textContent = shown < page.total ? `newest ${shown} of ${page.total}` : `${page.total}`;
  byId('sessions').replaceChildren(shown ? table('Sessions, newest first', columns, page.sessions)
                                         : empty('No session is open.'));
}

async function ask(path) {
  const answer = await fetch(path, {cache: 'no-store', signal: AbortSignal.timeout(kTimeout)});
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return answer.json();
}

let paused = false;
let lastSeen = null;

async function refresh() {
  try {
    const [status, events, sessions] = await Promise.all([
      ask('/api/v1/status'),
      ask(`/api/v1/events?limit=${kEvents}`),
      ask(`/api/v1/sessions?order=newest&limit=${kSessions}`),
    ]);
    drawStatus(status);
    drawEvents(events.events);
    drawSessions(sessions);
    lastSeen = new Date();
    byId('lost').hidden = true;
    document.body.classList.remove('stale');
  } catch (error) {
    const since = lastSeen ? `what is shown is from ${lastSeen.toLocaleTimeString()}` : 'nothing was heard of it yet';
    byId('lost').textContent = `Cannot reach the balancer: ${since}. Trying again. (${error.message})`;
    byId('lost').hidden = false;
    byId('readiness').textContent = 'no answer';
    byId('readiness').className = 'badge bad';
    document.body.classList.add('stale');
    document.title = '! sstplb \u00B7 no answer';
  }
}

async function run() {
  while (true) {
    if (!paused && document.visibilityState === 'visible') await refresh();
    await new Promise((done) => setTimeout(done, kInterval));
  }
}

byId('pause').addEventListener('click', () => {
  paused = !paused;
  byId('pause').setAttribute('aria-pressed', `${paused}`);
  byId('pause').textContent = paused ? 'Paused' : 'Pause';
});

run();
