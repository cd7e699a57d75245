import { expect, it } from "vitest";
import { escapeHtml } from "./escape-html.ts";

it("escapes what ends text or an attribute, and nothing else", () => {
  expect(escapeHtml(`<a title="it's">&amp; \`x\`</a> größe 1/2`)).toBe(
    "&lt;a title=&quot;it&#39;s&quot;&gt;&amp;amp; &#96;x&#96;&lt;/a&gt; größe 1/2",
  );
});
