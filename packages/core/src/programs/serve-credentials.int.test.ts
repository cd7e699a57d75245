import { devNull } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { StackyardError } from "../errors/stackyard-error.ts";
import type { AwsCredentials } from "../ports/executor.ts";
import { createFakeClock } from "../testing/fake-clock.ts";
import { isCredentialVariable, type ProgramCredentials, serveCredentials } from "./serve-credentials.ts";

const clock = createFakeClock();
const MINUTE = 60_000;
const session = (name: string): AwsCredentials => ({
  accessKeyId: `ASIA${name}`,
  secretAccessKey: `secret ${name}`,
  sessionToken: `token ${name}`,
  expiration: new Date(Date.UTC(2026, 0, 1, 1, 0, 0, 250)),
});

let served: ProgramCredentials;
afterEach(() => served.close());

const ask = async (token = served.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] ?? "") => {
  const headers = { authorization: token };
  const response = await fetch(served.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] ?? "", { headers });
  return { status: response.status, body: await response.json() };
};

describe("serveCredentials", () => {
  it("answers each question with the credentials of that time, in the format of a container's endpoint", async () => {
    let name = "ONE";
    served = await serveCredentials({ load: async () => session(name), clock });

    expect(await ask()).toEqual({
      status: 200,
      body: {
        AccessKeyId: "ASIAONE",
        SecretAccessKey: "secret ONE",
        Token: "token ONE",
        Expiration: "2026-01-01T01:00:00Z",
      },
    });
    name = "TWO";
    expect(await ask()).toMatchObject({ body: { AccessKeyId: "ASIATWO" } });
  });

  it("is an address of this machine, with another token for each run, and no shared file of the runner", async () => {
    const input = { load: async () => session("ONE"), clock };
    served = await serveCredentials(input);
    const other = await serveCredentials(input);

    const { AWS_CONTAINER_AUTHORIZATION_TOKEN: token, ...rest } = served.environment;
    expect(rest).toEqual({
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/),
    });
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(other.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]).not.toBe(token);
    await other.close();
  });

  it.each(["", "wrong"])("refuses the token %j", async (token) => {
    served = await serveCredentials({ load: async () => session("ONE"), clock });

    expect(await ask(token)).toMatchObject({ status: 401, body: { code: "UNAUTHENTICATED" } });
  });

  it("ends with the run", async () => {
    served = await serveCredentials({ load: async () => session("ONE"), clock });
    await ask();
    await served.close();

    await expect(ask()).rejects.toThrow();
  });

  it("says why there are no more credentials, so that an SDK repeats only what may pass", async () => {
    const lost = Object.assign(new Error("Another worker has this attempt."), { name: "AbortError" });
    const errors = [new StackyardError("SERVER_ERROR", "busy"), new StackyardError("FORBIDDEN", "revoked"), lost];
    let calls = 0;
    const load = async () => {
      const error = errors[calls++ - 1];
      if (error) throw error;
      return session("ONE");
    };
    served = await serveCredentials({ load, clock });

    expect([await ask(), await ask(), await ask()]).toEqual([
      { status: 503, body: { code: "SERVER_ERROR", message: "busy" } },
      { status: 403, body: { code: "FORBIDDEN", message: "revoked" } },
      { status: 403, body: { code: "AbortError", message: "Another worker has this attempt." } },
    ]);
  });

  it("fails at once when there are no credentials at the start", async () => {
    const load = () => Promise.reject(new StackyardError("FORBIDDEN", "The role could not be assumed."));

    await expect(serveCredentials({ load, clock })).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it("gives a session with an unknown end a time at which a program asks again", async () => {
    const { expiration: _, ...endless } = session("ONE");
    served = await serveCredentials({ load: async () => endless, clock });

    const end = new Date(clock.now() + 15 * MINUTE).toISOString().replace(/\.\d+Z$/, "Z");
    expect(await ask()).toMatchObject({ body: { Expiration: end } });
  });

  it("gives keys without a session as variables, because they do not expire", async () => {
    served = await serveCredentials({ load: async () => ({ accessKeyId: "AKIA", secretAccessKey: "s" }), clock });

    expect(served.environment).toEqual({
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
      AWS_ACCESS_KEY_ID: "AKIA",
      AWS_SECRET_ACCESS_KEY: "s",
    });
  });
});

describe("isCredentialVariable", () => {
  it.each([
    "AWS_ACCESS_KEY_ID",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_SHARED_CREDENTIALS_FILE",
  ])("is true for %s", (name) => expect(isCredentialVariable(name)).toBe(true));

  it.each(["AWS_REGION", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS"])("is false for %s", (name) => {
    expect(isCredentialVariable(name)).toBe(false);
  });
});
