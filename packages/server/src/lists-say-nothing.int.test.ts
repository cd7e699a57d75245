import type { AnyOperation } from "@stackyard/core/api/operations";
import * as core from "@stackyard/core/api/operations";
import { type TSchema, Type } from "typebox";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isList } from "./http/serve.ts";
import type { CallInit } from "./testing/test-yard.ts";
import { type Planted, startTwoTenants, type TwoTenants } from "./testing/two-tenants.ts";

const OPERATIONS = Object.values(core).filter((each): each is AnyOperation & typeof each => {
  return typeof each === "object" && "operationId" in each;
});
const LISTS = OPERATIONS.filter(isList);

/** What must be in the query of a list, besides its page. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  listCauses: ["kind=failed", "kind=degraded", "kind=parked", "kind=dead"],
};

/** Further questions: what is left out must not be found by sorting or searching. */
const ASKED: Readonly<Record<string, readonly string[]>> = {
  listStacks: ["", "text=hid", "idPrefix=hid", "condition=failed", "sort=newest", "waiting=true", "needsPerson=true"],
  listApprovals: ["", "sort=newest", "mine=true"],
  listHistory: ["", "order=oldest", "stackId=hid-1", "eventId=launch-hid-1"],
  listParked: ["", "event=LAUNCH", "stackId=hid-1"],
  listDeadLetters: ["", "event=UNHEARD-OF", "stackId=hid-1-new"],
  listPreviews: ["", "faulty=true", "host=github", "owner=hid-1"],
  listTerraformStates: ["", "prefix=review-app/hid"],
};

interface Page {
  readonly items?: readonly unknown[];
  readonly cursor?: string;
}

let tenants: TwoTenants;
let own: Planted;
const callers = new Map<string, string>();

beforeAll(async () => {
  tenants = startTwoTenants();
  own = await tenants.plant(["web-1", "web-2"]);
  await tenants.plant(["hid-1"]);
  await tenants.plant(["web-3"]);
  for (const role of ["viewer", "operator", "maintainer", "admin"]) {
    callers.set(role, await tenants.createToken(role, { stacks: ["web-"] }));
  }
}, 60_000);
afterAll(() => tenants.yard.stop());

/** A request for the first page of a list; the path names what the caller may read. */
interface Question {
  readonly operation: AnyOperation;
  readonly path: string;
  readonly query: string;
}

function listQuestions(): readonly Question[] {
  const values: Readonly<Record<string, string>> = {
    ...own,
    stackId: "web-1",
    name: "review-app",
    eventId: "launch-web-1",
    task: "create",
    plan: "create",
  };
  return LISTS.flatMap((operation) => {
    const path = operation.path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? name));
    const asked = NEEDED[operation.operationId] ?? ASKED[operation.operationId] ?? [""];
    return asked.map((query) => ({ operation, path, query }));
  });
}

async function ask({ operation, path, query }: Question, secret: string, page: { limit: number; cursor?: string }) {
  const headers = { authorization: `Bearer ${secret}` };
  const isPress = operation.method === "POST";
  const all = new URLSearchParams(query);
  if (!isPress) for (const [name, value] of Object.entries(page)) all.set(name, String(value));
  const init: CallInit = isPress ? { headers, body: { dryRun: true, ...page } } : { headers };
  const response = await tenants.yard.call(`${path}?${all}`, init);
  return {
    status: response.status,
    body: (await response.json()) as Page & { readonly detail?: string; readonly code?: string },
  };
}

const MOST_PAGES = 40;

/** All pages of a list, with the shapes of their cursors. */
async function walk(question: Question, secret: string, limit: number): Promise<readonly unknown[]> {
  const pages: unknown[] = [];
  let cursor: string | undefined;
  do {
    const { status, body } = await ask(question, secret, { limit, ...(cursor !== undefined && { cursor }) });
    cursor = body.cursor;
    // Each request has another id.
    const { requestId: _, ...shown } = body as Page & { readonly requestId?: string };
    pages.push({ status, ...shown, cursor: cursor?.length });
  } while (cursor !== undefined && pages.length < MOST_PAGES);
  return pages;
}

async function walkAll(): Promise<Readonly<Record<string, readonly unknown[]>>> {
  const walked: Record<string, readonly unknown[]> = {};
  for (const question of listQuestions()) {
    for (const [role, secret] of callers) {
      for (const limit of [1, 3]) {
        const name = `${question.operation.operationId} ${question.query} of ${role}, ${limit} at once`;
        walked[name] = await walk(question, secret, limit);
      }
    }
  }
  return walked;
}

it("seals the cursors of everything that has one", async () => {
  const { paths } = await tenants.yard.json<Document>("/openapi.json");
  const documented = Object.values(paths).flatMap((path) => Object.values(path));

  const withCursor = documented.filter((each) => /"cursor"/.test(JSON.stringify([each.parameters, each.requestBody])));
  const pages = OPERATIONS.filter(({ answers }) => Object.values(answers).some(({ form }) => form === "page"));

  const ids = LISTS.map(({ operationId }) => operationId);
  expect(withCursor.map(({ operationId }) => operationId).toSorted()).toEqual(ids.toSorted());
  expect(pages.map(({ operationId }) => operationId).filter((id) => !ids.includes(id))).toEqual([]);
});

interface Documented {
  readonly operationId: string;
  readonly parameters?: unknown;
  readonly requestBody?: unknown;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Documented>>>>;
}

it("answers every list of a limited caller alike, whatever others have", async () => {
  const before = await walkAll();
  await tenants.plant(["hid-2", "aaa-1", "wea-1", "zzz-1"]);

  const after = await walkAll();

  const differing = Object.keys(before).filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  expect(Object.fromEntries(differing.map((name) => [name, [before[name], after[name]]]))).toEqual({});
  expect(JSON.stringify(Object.values(after))).not.toMatch(/hid-|aaa-|wea-|zzz-/);
  expect(JSON.stringify(after)).toContain("web-3");
}, 120_000);

describe("a cursor", () => {
  const REFUSED = /^The cursor is not one of this list/;

  async function findCursors() {
    const found: { readonly question: Question; readonly cursor: string }[] = [];
    for (const question of listQuestions()) {
      const { body } = await ask(question, await rootToken(), { limit: 1 });
      if (body.cursor !== undefined) found.push({ question, cursor: body.cursor });
    }
    return found;
  }

  let root: string | undefined;
  async function rootToken() {
    root ??= await tenants.createToken("admin", {});
    return root;
  }

  it("opens for its own list, filter and caller only (restful-api-guidelines#639)", async () => {
    const cursors = await findCursors();
    const other = await tenants.createToken("admin", {});
    const secret = await rootToken();
    expect(new Set(cursors.map(({ question }) => question.operation.operationId)).size).toBeGreaterThan(12);

    for (const [index, { question, cursor }] of cursors.entries()) {
      const { operationId } = question.operation;
      expect((await ask(question, secret, { limit: 1, cursor })).status, operationId).toBe(200);
      const next = cursors[(index + 1) % cursors.length];
      const foreign = [
        await ask(question, other, { limit: 1, cursor }),
        await ask(question, secret, { limit: 1, cursor: next?.cursor ?? "" }),
        await ask(question, secret, { limit: 1, cursor: "web-1" }),
        ...(await Promise.all(
          otherFilters(question).map((query) => ask({ ...question, query }, secret, { limit: 1, cursor })),
        )),
      ];
      for (const { status, body } of foreign) {
        expect([status, body.code, body.detail], operationId).toEqual([400, "USAGE", expect.stringMatching(REFUSED)]);
      }
    }
  }, 60_000);

  it("has one length, and contains nothing of what it names", async () => {
    const cursors = await findCursors();

    expect(new Set(cursors.map(({ cursor }) => cursor.length)).size).toBe(1);
    for (const { cursor } of cursors) {
      expect(Buffer.from(cursor, "base64url").toString("latin1")).not.toMatch(/web-|hid-|review/);
    }
  });
});

/** The query of a question with one more parameter, for each that the list has. */
function otherFilters({ operation, query }: Question): readonly string[] {
  return Object.entries(operation.query).flatMap(([name, schema]) => {
    if (["cursor", "limit"].includes(name) || new URLSearchParams(query).has(name)) return [];
    const value = anyOf(schema);
    return value === undefined ? [] : [`${query}&${name}=${value}`];
  });
}

function anyOf(schema: TSchema): string | undefined {
  if ("enum" in schema && Array.isArray(schema.enum)) return String(schema.enum[0]);
  if (Type.IsBoolean(schema)) return "true";
  if (Type.IsInteger(schema) || Type.IsNumber(schema)) return "1";
  // Other texts have a form of their own.
  const isPlain = Type.IsString(schema) && !("pattern" in schema || "format" in schema);
  return isPlain && ("minLength" in schema ? schema.minLength === 1 : true) ? "x" : undefined;
}
