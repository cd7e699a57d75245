import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Grant, toRight } from "./access-config.ts";
import {
  type AccessSubject,
  decideAccess,
  findDelegate,
  findExcess,
  isWithin,
  OLD_RIGHTS,
  type Rights,
  type Scope,
  scopesOf,
} from "./decide-access.ts";
import { PERMISSIONS, type Permission, permissionOfEvent, permissionsOf, ROLES } from "./permissions.ts";

const rights: Rights = [
  toRight({ role: "operator", machines: ["review-app"], stacks: ["web-"] }),
  toRight({ role: "viewer", stacks: ["web-", "api-"] }),
];
const stack = (stackId: string, machine?: string): AccessSubject => ({
  kind: "stack",
  stackId,
  ...(machine !== undefined && { machine }),
});

describe("decideAccess", () => {
  it.each([
    ["allows what one grant gives", "operate", stack("web-1", "review-app"), "allowed"],
    ["needs both limits of a grant", "operate", stack("api-1", "review-app"), "forbidden"],
    ["needs the machine of a limited grant", "operate", stack("web-1"), "forbidden"],
    ["forbids what is readable", "operate", stack("web-1", "database"), "forbidden"],
    ["hides what is not readable", "operate", stack("db-1", "review-app"), "absent"],
    ["reads by any grant", "read", stack("api-1", "database"), "allowed"],
    ["forbids what no grant gives", "repair", stack("web-1", "review-app"), "forbidden"],
    ["shows machines of stacks that may be there", "read", { kind: "machine", machine: "database" }, "allowed"],
    ["keeps limited callers from the whole yard", "read", { kind: "yard" }, "forbidden"],
  ] as const)("%s", (_, permission, subject, decision) => {
    expect(decideAccess(rights, permission, subject)).toBe(decision);
  });

  it("gives no right to lead on a machine that acts elsewhere by the ids of its stacks alone (CVE-2021-21624)", () => {
    const all: Grant[] = [{ to: { machine: "release" }, role: "operator", stacks: ["api-"] }];
    const decide = (given: Parameters<typeof toRight>[0]) =>
      (["read", "approve", "send", "operate", "repair"] as const).filter((permission) => {
        return decideAccess([toRight(given, all)], permission, stack("web-rel", "release")) === "allowed";
      });

    expect(decide({ role: "maintainer", stacks: ["web-"] })).toEqual(["read", "approve"]);
    expect(decide({ role: "operator", stacks: ["web-"], machines: ["release"] })).toEqual([
      "read",
      "approve",
      "send",
      "operate",
    ]);
    expect(decide({ role: "operator" })).toEqual(["read", "approve", "send", "operate"]);
    expect(decideAccess([toRight({ role: "operator", stacks: ["web-"] }, all)], "send", stack("web-1", "app"))).toBe(
      "allowed",
    );
    expect(
      findDelegate([toRight({ role: "operator", stacks: ["web-"] }, all)], "send", stack("web-1", "release")),
    ).toBe("release");
  });

  it("gives old identities all but the permission to reveal secrets", () => {
    const allowed = PERMISSIONS.filter((each) => decideAccess(OLD_RIGHTS, each, { kind: "yard" }) === "allowed");

    expect(allowed).toEqual(PERMISSIONS.filter((each) => each !== "secrets:read"));
  });

  it("gives each role what the roles before it have", () => {
    expect(ROLES.map((role) => permissionsOf(role).size)).toEqual([2, 4, 6, 8]);
  });
});

const names = fc.constantFrom("a", "ab", "abc", "b", "bc");
const scopes: fc.Arbitrary<Scope> = fc.record(
  {
    machines: fc.array(names, { minLength: 1, maxLength: 3 }),
    stacks: fc.array(names, { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: [] },
);
const toSomeRights = (all: readonly Grant[]) =>
  fc.array(
    fc.tuple(scopes, fc.constantFrom(...ROLES)).map(([scope, role]) => toRight({ role, ...withMutable(scope) }, all)),
    { maxLength: 4 },
  );
const someRights = toSomeRights([]);
/** In a yard where a machine has rights of its own. */
const DELEGATES: readonly Grant[] = [{ to: { machine: "ab" }, role: "operator" }];
const delegating = toSomeRights(DELEGATES);
const subjects: fc.Arbitrary<AccessSubject> = fc.oneof(
  fc.tuple(names, fc.option(names, { nil: undefined })).map(([stackId, machine]) => stack(stackId, machine)),
  names.map((machine) => ({ kind: "machine" as const, machine })),
  fc.constant({ kind: "yard" as const }),
);
const permissions: fc.Arbitrary<Permission> = fc.constantFrom(...PERMISSIONS);

function withMutable({ machines, stacks }: Scope) {
  return { ...(machines && { machines: [...machines] }), ...(stacks && { stacks: [...stacks] }) };
}

describe("scopesOf", () => {
  it("contains exactly the subjects that are allowed", () => {
    fc.assert(
      fc.property(someRights, permissions, subjects, (given, permission, subject) => {
        const isListed = scopesOf(given, permission).some((scope) => isWithin(scope, subject));
        expect(isListed).toBe(decideAccess(given, permission, subject) === "allowed");
      }),
    );
  });
});

describe("findExcess", () => {
  it("does not let a caller grant more than it has", () => {
    fc.assert(
      fc.property(delegating, scopes, fc.constantFrom(...ROLES), subjects, (given, scope, role, subject) => {
        const wanted = { role, ...withMutable(scope) };
        fc.pre(findExcess(given, toRight(wanted)).length === 0);
        for (const permission of PERMISSIONS) {
          const gets = decideAccess([toRight(wanted, DELEGATES)], permission, subject) === "allowed";
          if (gets) expect(decideAccess(given, permission, subject)).toBe("allowed");
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("accepts a narrower scope, and names what is missing of a wider one", () => {
    expect(findExcess(rights, toRight({ role: "operator", machines: ["review-app"], stacks: ["web-1"] }))).toEqual([]);
    expect(findExcess(rights, toRight({ role: "operator", stacks: ["web-1"] }))).toEqual(["send", "operate"]);
    expect(findExcess(rights, toRight({ role: "viewer" }))).toEqual(["read", "approve"]);
  });
});

describe("permissionOfEvent", () => {
  it.each([
    ["DEPLOY", "send"],
    ["TASK_COMPLETED", "results"],
    ["TASK_ERROR", "results"],
    ["CANCEL_TASK", "operate"],
    ["RETRY_FAILED_TASKS", "operate"],
    ["REMOVE_STACK", "repair"],
    ["NEXT", "repair"],
    ["APPROVE_TASK", "approve"],
  ])("of %s is %s", (event, permission) => {
    expect(permissionOfEvent(event)).toBe(permission);
  });
});
