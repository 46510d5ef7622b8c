// Names in a chart hide and show what they stand for; pointing at a chart, or the arrow keys on it, read it.
(function () {
  'use strict';
  const tip = document.getElementById('tip');
  const hidden = new Set();
  const all = function (selector, from) { return Array.from((from || document).querySelectorAll(selector)); };

  function hide(series, off) {
    if (off) { hidden.add(series); } else { hidden.delete(series); }
    all('[data-series="' + series + '"]').forEach(function (part) {
      part.classList.toggle('off', off);
      if (part.classList.contains('key')) {
        part.setAttribute('aria-pressed', String(!off));
        const name = part.getAttribute('aria-label').split(': ').slice(0, -1).join(': ');
        part.setAttribute('aria-label', name + (off ? ': hidden' : ': shown'));
      }
    });
  }

  // Hides all others; shows all again where it is alone already.
  function alone(series) {
    const every = new Set(all('.key').map(function (key) { return key.getAttribute('data-series'); }));
    const others = Array.from(every).filter(function (other) { return other !== series; });
    const already = others.every(function (other) { return hidden.has(other); });
    hide(series, false);
    others.forEach(function (other) { hide(other, already === false); });
  }

  // The name of a series by its number.
  function named(series) {
    const key = document.querySelector('.key[data-series="' + series + '"]');
    return key ? key.getAttribute('aria-label').split(': ').slice(0, -1).join(': ') : null;
  }

  function keys(root) {
    all('.key', root).forEach(function (key) {
      const series = key.getAttribute('data-series');
      key.setAttribute('role', 'button');
      key.setAttribute('tabindex', '0');
      key.setAttribute('aria-pressed', 'true');
      const toggle = function (event) {
        if (event.shiftKey) { alone(series); } else { hide(series, !hidden.has(series)); }
      };
      key.addEventListener('click', toggle);
      key.addEventListener('keydown', function (event) {
        if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); event.stopPropagation(); toggle(event); }
      });
    });
    Array.from(hidden).forEach(function (series) { hide(series, true); });
  }

  // The points of a chart that are shown: name, place, and what is told.
  function points(chart) {
    const found = [];
    all('.series', chart).forEach(function (series) {
      if (hidden.has(series.getAttribute('data-series'))) { return; }
      const text = series.getAttribute('data-points');
      if (!text) { return; }
      // What is told of a point stands in the wide form alone.
      const other = '.wide .series[data-series="' + series.getAttribute('data-series') + '"]';
      const wide = chart.closest('figure').querySelector(other).getAttribute('data-points').split(';');
      text.split(';').forEach(function (point, at) {
        const parts = point.split(',').slice(0, 2).concat(wide[at].split(',').slice(2));
        found.push({ name: series.getAttribute('data-name'), x: Number(parts[0]), y: Number(parts[1]), said: parts.slice(2).join(',').trim() });
      });
    });
    return found;
  }

  function show(chart, x, y) {
    const found = points(chart);
    if (found.length === 0) { rest(); return; }
    const isLines = chart.querySelector('.line') !== null;
    const far = function (point) { return isLines || y === null ? Math.abs(point.x - x) : Math.hypot(point.x - x, point.y - y); };
    const nearest = found.reduce(function (best, point) { return far(best) > far(point) ? point : best; });
    const told = found.filter(function (point) { return isLines ? 0.05 > Math.abs(point.x - nearest.x) : point === nearest; });
    cursor(chart, nearest.x);
    tip.textContent = told.map(function (point) { return point.name + ': ' + point.said; }).join('\n');
    const box = chart.getBoundingClientRect();
    const scale = box.width / chart.viewBox.baseVal.width;
    tip.style.visibility = 'visible';
    const left = box.left + nearest.x * scale + 14;
    const top = box.top + (told.length === 1 ? nearest.y * scale : 40);
    const over = left + tip.offsetWidth > window.innerWidth - 8;
    const before = left - tip.offsetWidth - 28;
    tip.style.left = Math.max(4, over ? (before > 0 ? before : window.innerWidth - tip.offsetWidth - 8) : left) + 'px';
    tip.style.top = Math.max(4, Math.min(top, window.innerHeight - tip.offsetHeight - 8)) + 'px';
    chart.setAttribute('data-at', String(nearest.x));
  }

  function cursor(chart, x) {
    let line = chart.querySelector('.cursor');
    if (line === null) {
      line = document.createElementNS('http://www.w3.org/2000/svg', 'line');
      line.setAttribute('class', 'cursor');
      const size = chart.viewBox.baseVal;
      line.setAttribute('y1', '40');
      line.setAttribute('y2', String(size.height - 44));
      chart.appendChild(line);
    }
    line.setAttribute('x1', String(x));
    line.setAttribute('x2', String(x));
  }

  function rest() {
    tip.style.visibility = 'hidden';
    all('.cursor').forEach(function (line) { line.remove(); });
  }

  function charts(root) {
    all('svg.chart', root).forEach(function (chart) {
      chart.setAttribute('tabindex', '0');
      chart.setAttribute('role', 'group');
      chart.addEventListener('pointermove', function (event) {
        const box = chart.getBoundingClientRect();
        const scale = chart.viewBox.baseVal.width / box.width;
        show(chart, (event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
      });
      chart.addEventListener('pointerleave', rest);
      chart.addEventListener('blur', rest);
      chart.addEventListener('keydown', function (event) {
        if (event.key === 'Escape') { rest(); return; }
        const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (step === undefined || event.target !== chart) { return; }
        event.preventDefault();
        const places = Array.from(new Set(points(chart).map(function (point) { return point.x; })));
        places.sort(function (a, b) { return a - b; });
        if (places.length === 0) { return; }
        const at = places.indexOf(Number(chart.getAttribute('data-at')));
        const start = step > 0 ? 0 : places.length - 1;
        const next = at === -1 ? start : Math.max(0, Math.min(places.length - 1, at + step));
        show(chart, places[next], null);
      });
    });
  }

  function begin(root) { keys(root); charts(root); }
  begin(document);
  document.addEventListener('scroll', rest, { passive: true });
  // Paper shows all but the values of charts, and the screen then what it showed before.
  let closed = [];
  window.addEventListener('beforeprint', function () {
    closed = all('details:not([open])').filter(function (part) { return part.closest('.plot') === null; });
    closed.forEach(function (part) { part.open = true; });
  });
  window.addEventListener('afterprint', function () {
    closed.forEach(function (part) { part.open = false; });
    closed = [];
  });

  if (!watched) { return; }
  let version = null;
  function refresh() {
    fetch('/version').then(function (answer) { return answer.text(); }).then(function (now) {
      if (version === null) { version = now; }
      if (now === version) { return null; }
      version = now;
      return fetch('/').then(function (answer) { return answer.text(); }).then(replace);
    }).catch(function () { return null; }).then(function () { window.setTimeout(refresh, 2000); });
  }
  function replace(text) {
    const next = new DOMParser().parseFromString(text, 'text/html');
    const open = all('details[open]').map(function (part) { return part.id; });
    const checked = all('input:checked').map(function (part) { return part.id; });
    const focus = document.activeElement ? document.activeElement.id : '';
    const scroll = window.scrollY;
    // Numbers go to others where an experiment joins; names stay.
    const names = Array.from(hidden).map(named);
    rest();
    document.querySelector('header').replaceWith(next.querySelector('header'));
    document.querySelector('main').replaceWith(next.querySelector('main'));
    open.forEach(function (id) { const part = document.getElementById(id); if (part) { part.setAttribute('open', 'open'); } });
    checked.forEach(function (id) { const part = document.getElementById(id); if (part) { part.checked = true; } });
    hidden.clear();
    all('.key').forEach(function (key) {
      const series = key.getAttribute('data-series');
      if (names.indexOf(named(series)) !== -1) { hidden.add(series); }
    });
    begin(document);
    const part = focus ? document.getElementById(focus) : null;
    if (part) { part.focus({ preventScroll: true }); }
    window.scrollTo(0, scroll);
  }
  refresh();
}());
