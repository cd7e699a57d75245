import { defineConfig } from "stackyard";

export default defineConfig({
  executors: {
    lambda: {
      // Run on this machine; nothing is called in AWS in this mode.
      functions: { test: "./functions/test.mjs", deploy: "./functions/deploy.mjs" },
      mode: "local",
    },
  },
});
