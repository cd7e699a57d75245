import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { inventory } from "./inventory.ts";

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
