import { describe, expect, it } from "vitest";
import { exemptLoopback } from "./proxy.ts";

const LOOPBACK = "localhost,127.0.0.1,::1,[::1]";

function exempt(env: Readonly<Record<string, string>>): Readonly<Record<string, string | undefined>> {
  const copy: Record<string, string | undefined> = { ...env };
  exemptLoopback(copy);
  return copy;
}

// Of users of cypress#4780, meteor#5417, docusaurus#603 and undici#5616, where the loopback went to a proxy.
describe("exemptLoopback", () => {
  it("names the addresses of this machine, in both spellings of the variable", () => {
    expect(exempt({ HTTP_PROXY: "http://proxy:3128" })).toEqual({
      HTTP_PROXY: "http://proxy:3128",
      no_proxy: LOOPBACK,
      NO_PROXY: LOOPBACK,
    });
  });

  it.each([
    [{ NO_PROXY: ".example.org, 127.0.0.1" }, ".example.org,127.0.0.1,localhost,::1,[::1]"],
    [{ no_proxy: "a", NO_PROXY: "b" }, `a,${LOOPBACK}`],
    [{ no_proxy: "", NO_PROXY: "b" }, `b,${LOOPBACK}`],
  ])("keeps what is exempt already, %j", (given, value) => {
    expect(exempt({ https_proxy: "http://proxy:3128", ...given })).toMatchObject({ no_proxy: value, NO_PROXY: value });
  });

  it.each([{}, { NO_PROXY: "b" }, { HTTP_PROXY: "" }, { HTTP_PROXY: "http://proxy:3128", NO_PROXY: "*" }])(
    "changes nothing without a proxy for these addresses, %j",
    (env: Readonly<Record<string, string>>) => {
      expect(exempt(env)).toEqual(env);
    },
  );
});
