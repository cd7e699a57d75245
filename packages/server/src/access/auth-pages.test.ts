import { html } from "hono/html";
import { expect, it } from "vitest";
import { codeFormBody, errorBody, localBody, toPage } from "./auth-pages.ts";

const read = async (page: Parameters<typeof toPage>[0]) => (await toPage(page)).text();

it("shows the mark, the name of the yard, and one card, with the style that its policy allows alone", async () => {
  const page = { title: "Sign in", body: localBody("", "/"), nonce: "n0", yardName: "eu-prod" };
  const text = await read(page);

  expect(text).toContain("<b>Stackyard<span>eu-prod</span></b>");
  expect(text).toContain('<style nonce="n0">');
  expect(text).not.toMatch(/ style="/);
  expect((await toPage(page)).headers.get("content-security-policy")).toContain("'nonce-n0'");
});

it("shows what outsiders wrote as text", async () => {
  const text = await read({ title: "<b>t", body: html`${"<i>"}`, nonce: "n0", yardName: "<script>" });

  expect(text).not.toMatch(/<script>|<b>t|<i>/);
});

it("has a warning only where there is something to warn of", async () => {
  expect(await read({ title: "Code", body: codeFormBody("ada"), nonce: "n0" })).toContain('<p role="alert"></p>');
  expect(await read({ title: "Code", body: codeFormBody("ada", "Unknown code."), nonce: "n0" })).toContain(
    '<p role="alert">Unknown code.</p>',
  );
});

it("shows commands of an error as code, and what is in it as text", async () => {
  const body = errorBody("LOGIN_FAILED", "`<b>` prints a new one.", { people: true, code: true }, "/");

  expect(await read({ title: "Not signed in", body, nonce: "n0" })).toContain(
    '<p role="alert"><code>&lt;b&gt;</code> prints a new one.</p>',
  );
});

it("says where the sign-in leads, if that is not the first page", async () => {
  const path = "/approval?stack=<b>";
  const bodies = [localBody("", path), errorBody("LOGIN_FAILED", "Expired.", { people: true, code: true }, path)];
  const first = [localBody("", "/"), errorBody("LOGIN_FAILED", "Expired.", { people: true, code: true }, "/")];

  for (const body of bodies) {
    expect(await read({ title: "Sign in", body, nonce: "n0" })).toContain(
      "Then you continue to <b>Approval &lt;b&gt;</b>",
    );
    expect(await read({ title: "Sign in", body, nonce: "n0" })).toMatch(
      /"\/auth\/local\?return=%2Fapproval%3Fstack%3D%3Cb%3E"/,
    );
  }
  for (const body of first) expect(await read({ title: "Sign in", body, nonce: "n0" })).not.toContain("continue to");
});

it("names the issuer at which a person signs in, and pages by their names", async () => {
  const page = (path: string) => {
    const ways = { people: true, code: false, issuer: "id.example.org" };
    return read({ title: "Not signed in", body: errorBody("LOGIN_FAILED", "Expired.", ways, path), nonce: "n0" });
  };

  expect(await page("/")).toContain('href="/auth/login">Sign in at id.example.org</a>');
  expect(await page("/custom-resources?limit=5")).toContain("continue to <b>Custom resources</b>");
  expect(await page("/stack?id=pr-12&tab=now")).toContain("continue to <b>Stack pr-12</b>");
  expect(await page("/edit?machine=app")).toContain("continue to <b>Edit app</b>");
  expect(await page("/docs/console.html")).toContain("continue to <code>/docs/console.html</code>");
});
