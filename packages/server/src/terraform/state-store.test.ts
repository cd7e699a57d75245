import { toContentKey, toStateHeadKey } from "@stackyard/core/services";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyCharacter } from "../testing/any-character.ts";
import {
  decideLock,
  decideUnlock,
  headPrefixOf,
  readStateFacts,
  type StateCaller,
  type StateHead,
  type StateLock,
  toHolderFacts,
  versionOfChunk,
  withSerial,
} from "./state-store.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("the lock of one of two people with one name (airflow PR 34051)", () => {
  const asPerson = (id: string): StateCaller => {
    return { holder: { kind: "operator", name: "ada", id }, name: "ada", live: true };
  };
  const lock: StateLock = { id: "l1", info: '{"ID":"l1"}', holder: asPerson("p1").holder, at: 5 };
  const head: StateHead = { key: "k", next: 1, versions: [], lock };

  it("is not that of the other", () => {
    const standing = { lock, binds: true };

    expect(decideLock(head, standing, { caller: asPerson("p2"), lock }).kind).toBe("held");
    expect(decideLock(head, standing, { caller: asPerson("p1"), lock }).kind).toBe("locked");
  });

  it("is broken by the other, and not given back", () => {
    const asked = { id: "l1", at: 9 };
    const broken = decideUnlock(head, { caller: asPerson("p2"), ...asked });

    expect(decideUnlock(head, { caller: asPerson("p1"), ...asked })).toEqual({
      kind: "unlocked",
      head: { key: "k", next: 1, versions: [] },
    });
    expect(broken.kind === "unlocked" && broken.head.forcedUnlocks).toEqual([
      { at: 9, by: "ada", byId: "p2", lockId: "l1", lockedAt: 5, ...toHolderFacts(lock) },
    ]);
    expect(toHolderFacts(lock)).toEqual({ holder: "ada", holderId: "p1" });
  });
});

describe("withSerial", () => {
  it("changes the serial and not one byte more, also of numbers that JavaScript cannot hold", () => {
    const state =
      '{\n  "version": 4,\n  "terraform_version": "1.\\"11",\n  "serial": 7,\n  "resources": [{"serial": 7, "n": 12345678901234567890}]\n}';

    expect(textOf(withSerial(bytesOf(state), 12))).toBe(state.replace('"serial": 7', '"serial": 12'));
  });

  it("leaves a state unchanged whose serial is at another place", () => {
    const state = '{"resources": [{"serial": 7}], "serial": 7}';

    expect(textOf(withSerial(bytesOf(state), 12))).toBe(state);
  });
});

describe("readStateFacts", () => {
  const state = { version: 4, serial: 3, lineage: "l", resources: [] };
  const parse = (value: object) => readStateFacts(bytesOf(JSON.stringify(value)));

  it("returns serial, lineage and version", async () => {
    const facts = { serial: 3, lineage: "l", resources: 0 };

    expect(await parse({ ...state, terraform_version: "1.11.4" })).toEqual({ ...facts, terraformVersion: "1.11.4" });
    expect(await parse({ ...state, terraform_version: 1 })).toEqual(facts);
  });

  it("accepts an encrypted state of OpenTofu", async () => {
    const encrypted = { serial: 3, lineage: "l", meta: {}, encrypted_data: "c2VjcmV0", encryption_version: "v0" };

    expect(await parse(encrypted)).toEqual({ serial: 3, lineage: "l" });
  });

  it("refuses a state of more values than fit into memory, before they are parsed", async () => {
    const text = `{"version":4,"serial":1,"lineage":"l","resources":[${"[],".repeat(1_100_000)}[]]}`;
    await expect(readStateFacts(bytesOf(text))).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  });

  it.each([[0xff], [0x7b, 0xc3, 0x28, 0x7d]])("refuses what is not UTF-8", async (...bytes) => {
    await expect(readStateFacts(Uint8Array.from(bytes))).rejects.toThrow("it must be a JSON object");
  });

  // [opentofu#1407], [terraform#15793]
  it.each([
    {},
    { version: 4 },
    { ID: "x" },
    { ...state, version: "4" },
    { ...state, serial: undefined },
    { ...state, serial: -1 },
    { ...state, serial: 1.5 },
    { ...state, lineage: undefined },
    { ...state, resources: {} },
    { ...state, resources: null },
    { modules: [], version: 3, serial: 1, lineage: "l" },
    { encrypted_data: "a" },
    { ...state, resources: "[]" },
    { encrypted_data: [], encryption_version: "v0" },
  ])("refuses %j", async (value) => {
    await expect(parse(value)).rejects.toThrow(/not a Terraform state/);
  });

  it.each([
    { ID: "1", Operation: "OperationTypePlan", Info: "", Who: "me", Version: "1.11.4", Created: "", Path: "" },
    { ID: "1", Who: "me" },
  ])("refuses the lock %j, and names the methods", async (value) => {
    await expect(parse(value)).rejects.toThrow(/lock_method = "LOCK" and unlock_method = "UNLOCK"/);
  });
});

describe("keys of records", () => {
  it("differ for different states, fit, and hold no control characters", () => {
    const keys = fc.string({ unit: anyCharacter, minLength: 1, maxLength: 60 }).map((text) => text.repeat(12));
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const key = toContentKey(a, { version: 12, blob: "01ARZ3NDEKTSV4RRFFQ69G5FAV" }, 3);
        expect(key.length).toBeLessThanOrEqual(512);
        expect(key).toMatch(/^[!-~]+$/);
        expect(versionOfChunk(a, key)).toBe(12);
        expect(toStateHeadKey(a) === toStateHeadKey(b)).toBe(a === b);
        expect(toStateHeadKey(a + b).startsWith(headPrefixOf([...a][0] ?? ""))).toBe(true);
      }),
    );
  });
});
