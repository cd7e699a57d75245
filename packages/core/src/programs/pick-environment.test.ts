import { describe, expect, it } from "vitest";
import { BASE_VARIABLES, pickEnvironment } from "./pick-environment.ts";

const OWN = {
  STACKYARD_SEAL_KEY: "k",
  STACKYARD_TOKEN: "t",
  STACKYARD_API_TOKENS_FILE: "f",
  DATABASE_URL: "postgres://u:p@h/d",
  DATABASE_URL_FILE: "f",
  PGPASSWORD: "p",
  OIDC_CLIENT_SECRET: "s",
  NODE_OPTIONS: "--require=x",
};
const OTHER = { PATH: "/bin", LC_ALL: "C", PG_CONN_STR: "c", TF_TOKEN_a: "t", GITHUB_TOKEN: "g", EMPTY: undefined };

describe("the environment of a program", () => {
  it("has the variables that are named, and nothing else", () => {
    const picked = pickEnvironment({ ...OWN, ...OTHER }, [...BASE_VARIABLES, "TF_TOKEN_*", "EMPTY"]);
    expect(picked).toEqual({ PATH: "/bin", LC_ALL: "C", TF_TOKEN_a: "t" });
  });

  it.each(["*", "S*", "STACKYARD_*", "DATABASE_*", "PG*", "OIDC_*", "NODE_*"])(
    "has none of the yard for %s",
    (name) => {
      const picked = Object.keys(pickEnvironment({ ...OWN, ...OTHER }, [name]));
      expect(picked.filter((each) => each in OWN)).toEqual([]);
    },
  );

  it("has one of the yard that is named in full", () => {
    expect(pickEnvironment(OWN, ["PGPASSWORD"])).toEqual({ PGPASSWORD: "p" });
  });
});
