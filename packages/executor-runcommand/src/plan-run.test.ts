import { describe, expect, it } from "vitest";
import { planMembers } from "./plan-run.ts";
import { type KnownInstance, type Platform, selectInstances } from "./select-instances.ts";
import { anId } from "./testing/a-run.ts";

function known(number: number, roles?: string, overrides: Partial<KnownInstance> = {}): KnownInstance {
  const tags = [{ key: "has_ssm_agent", value: "true" }];
  if (roles !== undefined) tags.push({ key: "Ansible_Roles", value: roles });
  return { instanceId: anId(number), state: "running", tags, ...overrides };
}

function plan(instances: readonly KnownInstance[], given: { byInventory?: boolean; platforms?: Platform[] } = {}) {
  const platforms = new Set<Platform>(given.platforms ?? ["linux", "windows"]);
  const found = { instances, ...selectInstances(instances) };
  return planMembers({ found, platforms, byInventory: given.byInventory ?? true });
}

describe("planMembers", () => {
  it("groups instances with the same roles, each group at the place of its first one", () => {
    const planned = plan([known(1, "web"), known(2, "db"), known(3, " web "), known(4), known(5, "db")]);

    expect(planned.map(({ instanceId }) => instanceId)).toEqual([1, 3, 2, 5, 4].map(anId));
    expect(planned[1]).toEqual({ instanceId: anId(3), state: "not-sent", roles: ["web"], platform: "linux" });
  });

  it("parts platforms", () => {
    const windows = { platform: "windows" };
    const planned = plan([known(1), known(2, "", windows), known(3), known(4, "", windows)], { byInventory: false });

    expect(planned.map(({ platform }) => platform)).toEqual(["linux", "linux", "windows", "windows"]);
  });

  it("skips instances of a platform that the profile has nothing for", () => {
    const planned = plan([known(1, "web", { platform: "windows" }), known(2)], { platforms: ["linux"] });

    expect(planned).toMatchObject([
      { instanceId: anId(2), state: "not-sent" },
      { instanceId: anId(1), state: "skipped", code: "PLATFORM_MISMATCH", platform: "windows" },
    ]);
  });

  it("fails instances whose roles make no inventory, where there is one", () => {
    const planned = plan([known(1, "web]\nevil"), known(2, "web")]);

    expect(planned).toMatchObject([
      { instanceId: anId(2), state: "not-sent" },
      { instanceId: anId(1), state: "failed", code: "ROLE_NAME_INVALID", roles: [] },
    ]);
    expect(plan([known(1, "we b]")], { byInventory: false })).toMatchObject([{ state: "not-sent", roles: [] }]);
  });

  it("lists what was skipped last, also a repeated id", () => {
    const planned = plan([known(1, "web", { state: "stopped" }), known(2), known(2)]);

    expect(planned.map(({ instanceId, state, code }) => [instanceId, state, code])).toEqual([
      [anId(2), "not-sent", undefined],
      [anId(1), "skipped", "STATE_NOT_RUNNING"],
      [anId(2), "skipped", "DUPLICATE"],
    ]);
  });
});
