import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;

/** `java Mongo.java PORT`: MongoDB's wire protocol at 127.0.0.1:PORT until it is ended. */
public final class Mongo {
    public static void main(String[] words) throws InterruptedException {
        MongoServer server = new MongoServer(new MemoryBackend());
        server.bind("127.0.0.1", Integer.parseInt(words[0]));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        System.out.println("ready");
        Thread.currentThread().join();
    }
}
