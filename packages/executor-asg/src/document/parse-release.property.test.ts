import fc from "fast-check";
import { Compile } from "typebox/compile";
import { describe, expect, it } from "vitest";
import { PRESETS } from "../presets.ts";
import { releaseFixture } from "../testing/builders.ts";
import { parseRelease } from "./parse-release.ts";
import type { Release, Service } from "./release.ts";
import { ReleaseDocument } from "./schema.ts";

const RUNS = { numRuns: process.env["QUICK_TESTS"] ? 100 : 500 };
const ACCOUNT = { account: "111111111111", region: "eu-west-1" };
const validator = Compile(ReleaseDocument);

const ODIN = ["odin/one-service", "odin/every-old-key", "odin/every-new-key"];
const SEED = ["step-asg-deployer/one-service"];

interface Place {
  readonly pointer: string;
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** Every member and item of a document. */
function placesOf(value: unknown, pointer = ""): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => {
    const here = `${pointer}/${key}`;
    return [{ pointer: here, holder, key }, ...placesOf(holder[key], here)];
  });
}

const odd = fc.constantFrom<unknown>(
  ...[null, true, "", "x", 0, -1, 1, 2, 1.5, 1e12, 2 ** 60, Number.MAX_VALUE, [], {}, [null], { "": null }],
  ...["a\u0000b", "../..", "constructor", "2026-01-01T00:00:00Z", "\ud800", "x".repeat(300), ["a", "a"], [[[]]]],
);

const keys = fc.constantFrom("__proto__", "constructor", "toString", "", "Task", "user_data", "ami", "steps", "x");

/** What happens to a document: a place is chosen by a number, whatever the document is by then. */
const mutation = fc.oneof(
  fc.record({ kind: fc.constant("replace" as const), at: fc.nat(), value: fc.oneof(odd, fc.jsonValue()) }),
  fc.record({ kind: fc.constant("remove" as const), at: fc.nat() }),
  fc.record({ kind: fc.constant("add" as const), at: fc.nat(), key: fc.oneof(keys, fc.string()), value: odd }),
  fc.record({ kind: fc.constant("copy" as const), at: fc.nat(), from: fc.nat() }),
);

type Mutation = typeof mutation extends fc.Arbitrary<infer Kind> ? Kind : never;

function mutate(document: unknown, change: Mutation): void {
  const places = placesOf(document);
  const place = places[change.at % Math.max(1, places.length)];
  if (!place) return;
  if (change.kind === "remove") delete place.holder[place.key];
  else if (change.kind === "replace") place.holder[place.key] = structuredClone(change.value);
  else if (change.kind === "copy") {
    const from = places[change.from % places.length];
    place.holder[place.key] = structuredClone(from?.holder[from.key]);
  } else if (Array.isArray(place.holder)) place.holder.push(structuredClone(change.value));
  else {
    const descriptor = { value: structuredClone(change.value), enumerable: true, writable: true, configurable: true };
    Object.defineProperty(place.holder, change.key, descriptor);
  }
}

const mutated = (fixtures: readonly string[]) =>
  fc.tuple(fc.constantFrom(...fixtures), fc.array(mutation, { minLength: 1, maxLength: 4 })).map(([name, changes]) => {
    const document: unknown = JSON.parse(releaseFixture(name));
    for (const change of changes) mutate(document, change);
    return JSON.stringify(document);
  });

/** What must hold of whatever has been parsed; names of what does not. */
function findBroken(parsed: ReturnType<typeof parseRelease>): readonly string[] {
  if (parsed.kind === "refused") return parsed.problems.length > 0 ? [] : ["refused for nothing"];
  const { release } = parsed;
  const holds = {
    timeout: release.timeout > 0,
    names: `${release.project_name}${release.config_name}`.length <= 43,
    services: Object.keys(release.services).length > 0,
  };
  const services = Object.entries(release.services).flatMap(([name, service]) => findBrokenIn(name, service, release));
  return [...namesOf(holds), ...services];
}

function findBrokenIn(name: string, service: Service, { subnets, timeout }: Release): readonly string[] {
  const { min_size, max_size, spread, max_terms, health_check_grace_period } = service.autoscaling;
  const lists = [service.security_groups, service.elbs, service.target_groups, service.subnets ?? subnets];
  return namesOf({
    name: service.service_name === name && name !== "" && service.instance_type !== "",
    sizes: [0 <= min_size, min_size <= max_size, spread >= 0, spread <= 1, max_terms >= 0].every(Boolean),
    grace: health_check_grace_period <= Math.max(timeout, 300),
    needed: service.security_groups.length > 0 && (service.subnets ?? subnets).length > 0,
    unique: lists.every((list) => new Set(list).size === list.length),
    asked: ["resources", "created_asg", "Healthy"].every((key) => !Object.hasOwn(service, key)),
  });
}

function namesOf(holds: Readonly<Record<string, boolean>>): readonly string[] {
  return Object.keys(holds).filter((name) => !holds[name]);
}

describe("parseRelease, whatever it is given", () => {
  it("answers, and never throws", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => parseRelease(value).kind === "refused"),
      RUNS,
    );
    fc.assert(
      fc.property(fc.string(), (text) => parseRelease(text).kind === "refused"),
      RUNS,
    );
  });

  it("lets nothing pass that the schema refuses", () => {
    const property = fc.property(mutated(ODIN), (document) => {
      const parsed = parseRelease(document, ACCOUNT);
      const clean = withoutNulls(JSON.parse(document));

      expect(findBroken(parsed)).toEqual([]);
      if (parsed.kind === "parsed") expect([...validator.Errors(clean)]).toEqual([]);
    });

    fc.assert(property, RUNS);
  });

  it("lets nothing pass that breaks a rule of the first generation", () => {
    const options = { ...ACCOUNT, constants: PRESETS["step-asg-deployer"] };
    const property = fc.property(mutated(SEED), (document) => {
      expect(findBroken(parseRelease(document, options))).toEqual([]);
    });

    fc.assert(property, RUNS);
  });

  it("says the same of a text and of the value that it is", () => {
    const property = fc.property(mutated([...ODIN, ...SEED]), (document) => {
      expect(parseRelease(document, ACCOUNT)).toEqual(parseRelease(JSON.parse(document), ACCOUNT));
    });

    fc.assert(property, RUNS);
  });
});

// Null counts as absent. Without a name, the rest of a placement group is ignored, and so are nulls in what deployers write.
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([key, member]) => {
    if (key === "resources" || key === "healthy_report") return false;
    if (key.startsWith("placement_group_"))
      return "placement_group_name" in value && value.placement_group_name !== null;
    return member !== null;
  });
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member)]));
}
