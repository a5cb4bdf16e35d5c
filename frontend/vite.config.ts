import { defineConfig } from "vite";

// Entries for pages, one for other people's pages, and a worker. The server adds the compressed forms, and the names that
// browsers may keep for ever come from the hash of the content.
export default defineConfig({
  base: "./",
  build: {
    target: "es2022",
    outDir: "../src/holdfast/web/dist",
    emptyOutDir: true,
    manifest: true,
    modulePreload: false,
    rolldownOptions: {
      input: { booking: "src/booking.ts", desk: "src/desk.ts", embed: "src/embed.ts", prove: "src/prove.ts" },
      output: {
        entryFileNames: "[name]-[hash].js",
        chunkFileNames: "[name]-[hash].js",
        assetFileNames: "[name]-[hash][extname]",
      },
    },
  },
});
