// Copyright The Sluice authors
// SPDX-License-Identifier: Apache-2.0

package org.sluice.hbase;

import java.io.File;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.HConstants;
import org.apache.hadoop.hbase.master.HMaster;
import org.apache.hadoop.hbase.regionserver.HRegionServer;
import org.apache.hadoop.hbase.util.EnvironmentEdgeManager;
import org.apache.zookeeper.server.ServerCnxnFactory;
import org.apache.zookeeper.server.ZooKeeperServer;

/**
 * One process of a cluster: {@code master READY} with its ZooKeeper, or {@code regionserver READY}; settings are
 * those of hbase-site.xml on the class path, and {@code NAME=VALUE} after these. The file READY is made when the
 * process serves: for a master that is when regions of the system are open, so it needs a region server. The setting
 * {@code sluice.clock.ahead.ms} makes a cluster whose clocks go wrong.
 */
public final class Node {
    private static final int ZOOKEEPER_TICK_MS = 1000;
    private static final int ZOOKEEPER_CONNECTIONS = 1000;

    private Node() {}

    public static void main(String[] arguments) throws Exception {
        Lifeline.hold(System.in);
        Configuration conf = HBaseConfiguration.create();
        for (int i = 2; i < arguments.length; i++) {
            String[] setting = arguments[i].split("=", 2);
            conf.set(setting[0], setting[1]);
        }
        long aheadMs = conf.getLong("sluice.clock.ahead.ms", 0);
        EnvironmentEdgeManager.injectEdge(() -> System.currentTimeMillis() + aheadMs);
        Path ready = Path.of(arguments[1]);
        try {
            switch (arguments[0]) {
                case "master" -> runMaster(conf, ready);
                case "regionserver" -> runRegionServer(conf, ready);
                default -> throw new IllegalArgumentException(arguments[0]);
            }
        } catch (Throwable e) {
            e.printStackTrace();
        }
        // Threads that are left must not keep a process whose server has ended.
        Runtime.getRuntime().halt(1);
    }

    private static void runMaster(Configuration conf, Path ready) throws Exception {
        startZooKeeper(conf);
        HMaster master = new HMaster(conf);
        master.start();
        makeWhen(master::isInitialized, master, ready);
        master.join();
    }

    private static void runRegionServer(Configuration conf, Path ready) throws Exception {
        HRegionServer server = new HRegionServer(conf);
        server.start();
        makeWhen(server::isOnline, server, ready);
        server.join();
    }

    private static void startZooKeeper(Configuration conf) throws Exception {
        File folder = new File(conf.get(HConstants.ZOOKEEPER_DATA_DIR));
        ZooKeeperServer server = new ZooKeeperServer(folder, folder, ZOOKEEPER_TICK_MS);
        InetSocketAddress address =
            new InetSocketAddress("127.0.0.1", conf.getInt(HConstants.ZOOKEEPER_CLIENT_PORT, 0));
        ServerCnxnFactory.createFactory(address, ZOOKEEPER_CONNECTIONS).startup(server);
    }

    private static void makeWhen(BooleanSupplier serves, Thread server, Path ready) throws Exception {
        while (!serves.getAsBoolean()) {
            if (!server.isAlive()) {
                throw new IllegalStateException("the server has ended");
            }
            Thread.sleep(50);
        }
        Files.createFile(ready);
    }
}
