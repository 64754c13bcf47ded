"use strict";
// Keeps this page, so that it opens without a network; a new version of the page brings a new version of this file.
const KEPT = "digits-from-sound-VERSION", PAGE = new URL("./", location).href;

self.addEventListener("install", event => event.waitUntil(
  caches.open(KEPT).then(cache => cache.add(new Request(PAGE, { cache: "reload" }))).then(() => self.skipWaiting()),
));

self.addEventListener("activate", event => event.waitUntil(
  caches.keys().then(names => Promise.all(names.filter(name => name.startsWith("digits-from-sound-") && name !== KEPT)
    .map(name => caches.delete(name)))).then(() => self.clients.claim()),
));

self.addEventListener("fetch", event => {
  const { origin, pathname } = new URL(event.request.url), page = new URL(PAGE);
  if (origin !== page.origin || ![page.pathname, `${page.pathname}index.html`].includes(pathname)) return;
  event.respondWith(fetch(event.request).catch(() => caches.match(PAGE)));
});
