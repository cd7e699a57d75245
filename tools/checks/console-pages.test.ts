import { expect, it } from "vitest";
import { readPages } from "./console-pages.ts";

it("counts the entry, the page, what both import now or later, their styles and workers, each once", () => {
  const manifest = {
    "index.html": {
      file: "assets/index.js",
      isEntry: true,
      imports: ["_react.js"],
      dynamicImports: ["src/a/a-page.tsx", "src/b/b-page.tsx"],
      css: ["assets/index.css"],
    },
    "_react.js": { file: "assets/react.js" },
    "src/a/a-page.tsx": { file: "assets/a.js", imports: ["_react.js"], dynamicImports: ["src/a/chart.ts"] },
    "src/a/chart.ts": { file: "assets/chart.js", css: ["assets/chart.css"] },
    "src/b/b-page.tsx": { file: "assets/b.js" },
  };
  const texts: Readonly<Record<string, string>> = {
    "assets/index.js": `new SharedWorker("/assets/live.js"); import("/assets/b.js")`,
    "assets/chart.js": "new Worker(`/assets/layout-worker-1_x.js`)",
    "assets/layout-worker-1_x.js": `import{a}from"./value-1.js";const later=()=>import("./drawing-2.js")`,
  };

  const pages = readPages(manifest, (file) => texts[file] ?? "");

  const shared = ["assets/index.js", "assets/index.css", "assets/react.js"];
  expect(pages).toEqual([
    {
      page: "a-page",
      files: [
        ...shared,
        "assets/a.js",
        "assets/chart.js",
        "assets/chart.css",
        "assets/live.js",
        "assets/layout-worker-1_x.js",
        "assets/value-1.js",
        "assets/drawing-2.js",
      ],
    },
    { page: "b-page", files: [...shared, "assets/b.js", "assets/live.js"] },
  ]);
});
