import { silentLogger } from "@stackyard/core";
import { createMemoryStore, createStaticLocator, createUlids, systemClock } from "@stackyard/core/engine";
import { createServer } from "@stackyard/server";

/** The parts of an operation of an OpenAPI document that are read here. */
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: unknown;
  readonly [key: string]: unknown;
}

/** The parts of an OpenAPI document that are read here. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

/** Loads the OpenAPI document that a server of this version answers. */
export async function loadDocument(version: string): Promise<ApiDocument> {
  const store = createMemoryStore();
  const locator = createStaticLocator([]);
  const deps = { store, locator, executors: new Map(), clock: systemClock, ids: createUlids(), logger: silentLogger };
  const server = createServer({ ...deps, version }, { allowAnonymous: true });
  try {
    const answer = await server.app.fetch(new Request("http://127.0.0.1/openapi.json"));
    return (await answer.json()) as ApiDocument;
  } finally {
    await server.stop();
    await store.close();
  }
}
