import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inventory, type KnownInstance, selectInstances, toPlatform } from "./select-instances.ts";

const ID = "i-0123456789abcdef0";
const managed = [{ key: "has_ssm_agent", value: "true" }];

function anInstance(overrides: Partial<KnownInstance> = {}): KnownInstance {
  return { instanceId: ID, state: "running", tags: managed, ...overrides };
}

function codeOf(overrides: Partial<KnownInstance>, options = {}): string | undefined {
  return selectInstances([anInstance(overrides)], options).skipped[0]?.code;
}

describe("selectInstances", () => {
  it("takes running instances with the predecessor's tag", () => {
    const other = anInstance({ instanceId: "i-0a1b2c3d", tags: [{ key: "has_ssm_agent", value: "True" }] });

    expect(selectInstances([other, anInstance()])).toEqual({ selected: ["i-0a1b2c3d", ID], skipped: [] });
  });

  it.each(["", "i-0123456789ABCDEF0", "i-123", "i-0123456789abcdef01", "mi-0123abcd", "x", `${ID} `, `${ID}\n`])(
    "skips the id %j",
    (instanceId) => {
      expect(codeOf({ instanceId })).toBe("INVALID_INSTANCE_ID");
    },
  );

  it("takes managed nodes by their longer ids", () => {
    expect(codeOf({ instanceId: "mi-0123456789abcdef0" })).toBeUndefined();
  });

  it("skips a repeated id, whatever became of the first", () => {
    const stopped = anInstance({ state: "stopped" });

    expect(selectInstances([stopped, anInstance()]).skipped).toEqual([
      { instanceId: ID, code: "STATE_NOT_RUNNING" },
      { instanceId: ID, code: "DUPLICATE" },
    ]);
  });

  it.each(["pending", "stopping", "stopped", "shutting-down", "terminated", "Running"])(
    "skips %s instances",
    (state) => {
      expect(codeOf({ state })).toBe("STATE_NOT_RUNNING");
    },
  );

  it.each(["TRUE", "yes", "1", " true", "true ", "", "t*"])("does not take the value %j for true", (value) => {
    expect(codeOf({ tags: [{ key: "has_ssm_agent", value }] })).toBe("TAG_VALUE");
  });

  it("knows a missing tag from a wrong value, by the exact key", () => {
    expect(codeOf({ tags: [] })).toBe("TAG_MISSING");
    expect(codeOf({ tags: [{ key: "Has_SSM_Agent", value: "true" }] })).toBe("TAG_MISSING");
  });

  it("takes the tag, values and states that are configured", () => {
    const options = { tagKey: "fleet", tagValues: ["*"], states: ["stopped"] };

    expect(codeOf({ state: "stopped", tags: [{ key: "fleet", value: "*" }] }, options)).toBeUndefined();
    expect(codeOf({ state: "stopped", tags: [{ key: "fleet", value: "a" }] }, options)).toBe("TAG_VALUE");
    expect(codeOf({ tags: [{ key: "fleet", value: "*" }] }, options)).toBe("STATE_NOT_RUNNING");
  });

  it("distinguishes platforms as EC2 does", () => {
    expect(codeOf({}, { platform: "linux" })).toBeUndefined();
    expect(codeOf({}, { platform: "windows" })).toBe("PLATFORM_MISMATCH");
    expect(codeOf({ platform: "windows" }, { platform: "windows" })).toBeUndefined();
    expect(codeOf({ platform: "windows" }, { platform: "linux" })).toBe("PLATFORM_MISMATCH");
    expect(codeOf({ platform: "windows" }, { platform: "any" })).toBeUndefined();
  });

  it("requires an online agent if SSM was queried", () => {
    expect(codeOf({})).toBeUndefined();
    expect(codeOf({ ssm: null })).toBe("SSM_NOT_REGISTERED");
    expect(codeOf({ ssm: { pingStatus: "ConnectionLost" } })).toBe("SSM_NOT_ONLINE");
    expect(codeOf({ ssm: { pingStatus: "Online" } })).toBeUndefined();
  });

  it("requires no agent, or always one, if configured", () => {
    expect(codeOf({ ssm: null }, { requireOnline: false })).toBeUndefined();
    expect(codeOf({ ssm: { pingStatus: "Inactive" } }, { requireOnline: false })).toBeUndefined();
    expect(codeOf({}, { requireOnline: true })).toBe("SSM_NOT_ONLINE");
  });

  it("gives the first reason of several", () => {
    const hopeless = { state: "stopped", tags: [], platform: "windows", ssm: null };

    expect(codeOf(hopeless, { platform: "linux" })).toBe("STATE_NOT_RUNNING");
    expect(codeOf({ ...hopeless, state: "running" }, { platform: "linux" })).toBe("TAG_MISSING");
    expect(codeOf({ ...hopeless, state: "running", tags: managed }, { platform: "linux" })).toBe("PLATFORM_MISMATCH");
    expect(codeOf({ ...hopeless, state: "running", tags: managed })).toBe("SSM_NOT_REGISTERED");
  });

  it("puts each instance into exactly one list, in order", () => {
    const instance = fc.record({
      instanceId: fc.constantFrom(ID, "i-0a1b2c3d", "mi-0123456789abcdef0", "nonsense"),
      state: fc.constantFrom("running", "stopped"),
      tags: fc.constantFrom(managed, []),
      ssm: fc.constantFrom(undefined, null, { pingStatus: "Online" }),
    });
    fc.assert(
      fc.property(fc.array(instance), (instances) => {
        const given = instances.map(({ ssm, ...rest }) => (ssm === undefined ? rest : { ...rest, ssm }));
        const { selected, skipped } = selectInstances(given);

        expect([...selected, ...skipped.map(({ instanceId }) => instanceId)].sort()).toEqual(
          instances.map(({ instanceId }) => instanceId).sort(),
        );
        expect(new Set(selected).size).toBe(selected.length);
      }),
    );
  });
});

describe("toPlatform", () => {
  it("accepts the platform from either service, and uses a shell on macOS", () => {
    expect(toPlatform({})).toBe("linux");
    expect(toPlatform({ platform: "windows" })).toBe("windows");
    expect(toPlatform({ ssm: { pingStatus: "Online", platformType: "Windows" } })).toBe("windows");
    expect(toPlatform({ ssm: { pingStatus: "Online", platformType: "MacOS" } })).toBe("linux");
  });
});

const HOST = "localhost ansible_connection=local";

describe("inventory", () => {
  it("makes a group of each role, in the order of the tag", () => {
    expect(inventory("webserver,appserver")).toEqual({
      text: `[webserver]\n${HOST}\n[appserver]\n${HOST}\n`,
      roles: ["webserver", "appserver"],
    });
  });

  it.each([undefined, null, "", "  \t\n", ",", " , ,"])("has no groups for %j", (tagValue) => {
    expect(inventory(tagValue)).toEqual({ text: "", roles: [] });
  });

  it("deletes white space, also inside of names", () => {
    expect(inventory(" web server ,\tdb\u00a0ser\u0085ver\n")).toMatchObject({ roles: ["webserver", "dbserver"] });
  });

  it("drops empty elements and keeps the first of repeated ones", () => {
    expect(inventory("b,,a, b ,a,")).toMatchObject({ roles: ["b", "a"] });
  });

  it.each(["1web", "-web", "web.server", "web]", "web[x]", "a=b", "rôle", "a".repeat(64)])(
    "refuses the role %j",
    (role) => {
      expect(inventory(`common,${role}`)).toMatchObject({
        code: "ROLE_NAME_INVALID",
        element: role,
        message: expect.stringContaining(JSON.stringify(role)),
      });
    },
  );

  it("takes names of 63 characters and 50 roles, and no more", () => {
    const roles = Array.from({ length: 51 }, (_, index) => `r${index}`);

    expect(inventory("a".repeat(63))).toMatchObject({ roles: ["a".repeat(63)] });
    expect(inventory(roles.slice(0, 50).join())).toMatchObject({ roles: roles.slice(0, 50) });
    expect(inventory(roles.join())).toMatchObject({ code: "TOO_MANY_ROLES" });
    expect(inventory([...roles.slice(0, 50), ...roles.slice(0, 50)].join())).toMatchObject({ roles: { length: 50 } });
  });

  it("lets nothing into the file but headers and the host", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (tagValue) => {
        const answer = inventory(tagValue);

        if ("code" in answer) return;
        expect(answer.text).toMatch(/^(\[[A-Za-z_][A-Za-z0-9_-]{0,62}\]\nlocalhost ansible_connection=local\n)*$/);
        expect(inventory(answer.roles.join(" , "))).toEqual(answer);
      }),
    );
  });
});
