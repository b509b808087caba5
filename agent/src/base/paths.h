/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Where things are on a node. docs/design/interfaces.md says who owns each and why. */
#pragma once

#define NS_USER "nanoscale"
#define NS_ROOT "/opt/nanoscale"
#define NS_BIN NS_ROOT "/bin"
#define NS_LIB NS_ROOT "/lib"
#define NS_CONFIG_FILE NS_ROOT "/config/config.json"
#define NS_IDENTITY_FILE NS_ROOT "/config/identity.json"
#define NS_TLS_PUBLIC NS_ROOT "/tls/public"
#define NS_DATA NS_ROOT "/data"
#define NS_RUNTIMES NS_ROOT "/runtimes"
#define NS_SPECS NS_ROOT "/specs"
#define NS_SITES NS_ROOT "/sites"
#define NS_CERTIFICATES NS_ROOT "/certificates"
#define NS_GATES NS_ROOT "/gates"
#define NS_ACME NS_DATA "/acme/config"
#define NS_RUN "/run/nanoscale"
#define NS_APPS NS_RUN "/apps"
#define NS_AGENT_SOCKET NS_RUN "/agent.sock"
#define NS_ACME_SOCKET NS_RUN "/acme.sock"
#define NS_REPOSITORY_SOCKET NS_RUN "/repository.sock"
#define NS_HELPER_SOCKET NS_RUN "/helper.sock"
#define NS_HELPER NS_BIN "/nanoscale-helper"
#define NS_RUNNER NS_BIN "/nanoscale-run"
#define NS_SHIM NS_LIB "/nanoscale-listen.so"
#define NS_JOURNAL_NAMESPACE "nanoscale"

/* uid and gid of a project's user; the firewall rule in packaging/nftables covers the same range. */
#define NS_APP_UID_FIRST 50000
#define NS_APP_UID_LAST 59999

/* Loopback ports of apps that cannot be given their socket: two for each uid, one a slot. Below the ports that the kernel gives out. */
#define NS_PROXY_PORT_FIRST 12000
#define NS_PROXY_PORT_LAST 31999
