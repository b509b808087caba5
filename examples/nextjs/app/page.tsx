import { Echo } from "./echo";

// Rendered for every request, so that the page shows the server that answers and not the one that built it.
export const dynamic = "force-dynamic";

const goods = [
  { name: "Field notebook", price: "€ 9", text: "96 pages, dot grid, opens flat." },
  { name: "Brass pen", price: "€ 34", text: "Heavy, plain, refillable for life." },
  { name: "Desk lamp", price: "€ 79", text: "Warm light, one knob, no app." },
];

export default function Page() {
  const facts = [
    { id: "time", label: "Rendered at", value: new Date().toISOString() },
    { id: "release", label: "Release", value: process.env.NANOSCALE_RELEASE ?? "local" },
    { id: "runtime", label: "Runtime", value: `Node ${process.versions.node}` },
  ];
  return (
    <main>
      <header>
        {/* eslint-disable-next-line @next/next/no-img-element -- 600 bytes of SVG gain nothing from the image optimizer */}
        <img src="/mark.svg" alt="" width={44} height={44} />
        <p className="eyebrow">A NanoScale sample</p>
      </header>
      <h1 id="greeting">{process.env.GREETING ?? "Hello from your own server"}</h1>
      <p className="lead">
        This page came out of a git repository: fetched, built and rendered on this machine, in a sandbox of its own.
      </p>
      <dl>
        {facts.map((fact) => (
          <div key={fact.id}>
            <dt>{fact.label}</dt>
            <dd id={fact.id}>{fact.value}</dd>
          </div>
        ))}
      </dl>
      <section aria-label="Goods">
        {goods.map((item) => (
          <article key={item.name}>
            <h2>{item.name}</h2>
            <p>{item.text}</p>
            <strong>{item.price}</strong>
          </article>
        ))}
      </section>
      <Echo />
    </main>
  );
}
