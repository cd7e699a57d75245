import * as vitest from "vitest";
import { createPatience } from "./patience.ts";
import { findSlowness } from "./slowness.ts";

// What tests import as "vitest": patient-tests.ts leads them here. Their own time limits grow with how slow the machine is.

// biome-ignore lint/performance/noBarrelFile: all that vitest has must be here, under its names
// biome-ignore lint/performance/noReExportAll: the same
export * from "vitest";

const { define, stretch } = createPatience(findSlowness());

export const it = define(vitest.it);
export const test = define(vitest.test);
export const describe = define(vitest.describe);
export const suite = define(vitest.suite);
export const beforeAll = define(vitest.beforeAll);
export const beforeEach = define(vitest.beforeEach);
export const afterAll = define(vitest.afterAll);
export const afterEach = define(vitest.afterEach);
export const onTestFinished = define(vitest.onTestFinished);
export const onTestFailed = define(vitest.onTestFailed);

/** The limit of a wait that names none, as that of `expect.poll` in vitest.config.ts: one of a second is that of an idle machine. */
const WAIT_MS = 20_000;

export const vi: typeof vitest.vi = Object.assign(Object.create(vitest.vi), {
  waitFor: ((check, options = WAIT_MS) =>
    vitest.vi.waitFor(check, stretch(options))) satisfies typeof vitest.vi.waitFor,
  waitUntil: ((check, options = WAIT_MS) =>
    vitest.vi.waitUntil(check, stretch(options))) satisfies typeof vitest.vi.waitUntil,
});

// A poll that names no limit has that of the configuration, which has grown already.
const poll: typeof vitest.expect.poll = (check, options) => vitest.expect.poll(check, stretch(options));
export const expect: typeof vitest.expect = new Proxy(vitest.expect, {
  get: (target, key) => (key === "poll" ? poll : Reflect.get(target, key)),
});
