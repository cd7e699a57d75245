import { defineConfig } from "stackyard";

export default defineConfig({
  machines: "machines",
  dataDir: ".stackyard",
  executors: {
    lambda: {
      // Functions by the name that tasks use, run on this machine. Nothing is called in AWS in this mode.
      functions: { database: "./functions/database.mjs" },
      mode: "local",
    },
  },
  // When this process dies, another takes over its tasks after this time.
  worker: { lease: "5s" },
});
